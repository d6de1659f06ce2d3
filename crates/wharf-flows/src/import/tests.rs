//! Imports on both engines: preview writes nothing, commit writes once, overlaps amend, withdrawal leaves nothing, and
//! the real data of the guide balances to the penny.

use super::*;
use std::io::Read;
use wharf_connect::http::TransportError;
use wharf_connect::{Http, HttpRequest, HttpResponse};
use wharf_domain::id::OrderId;
use wharf_domain::order::phase::Phase;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::testing::{Bed, both_engines_with, memory};
use wharf_store::{dump, rollups, timeline};

struct NoWay;

#[async_trait::async_trait]
impl Http for NoWay {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        Err(TransportError::NotSent("an import calls nobody".to_owned()))
    }
}

fn app(bed: &Bed) -> App {
    App::new(bed.store.clone(), Arc::new(NoWay), vec![&wharf_vendors::file::VENDOR], bed.clock.clone(), 7)
}

fn options(shop: &str) -> ImportOptions {
    ImportOptions {
        shop: IntoShop::Named(shop.into()),
        mapping: None,
        treat_as: TreatAs::ByStatus,
        zone: None,
        currency: None,
        user_id: None,
        scope: Scope::ALL,
    }
}

fn file(text: &str) -> Vec<Input> {
    vec![Input::new("f.csv", text.as_bytes().to_vec())]
}

async fn import(app: &App, files: Vec<Input>, options: &ImportOptions) -> (ImportBatchId, Committed) {
    let view = preview(app, files, options).await.expect("a preview");
    let done = commit(app, &Scope::ALL, view.batch.id).await.expect("a commit");
    (view.batch.id, done)
}

/// Rows of every table that an import may touch.
async fn rows(bed: &Bed) -> BTreeMap<&'static str, i64> {
    let tables = [
        "orders",
        "order_lines",
        "listings",
        "findings",
        "holds",
        "order_tags",
        "order_search",
        "timeline",
        "buyers",
        "blobs",
        "parked",
        "import_files",
        "import_orders",
    ];
    bed.store
        .read(move |tx| {
            let mut counts = BTreeMap::new();
            for table in tables {
                counts.insert(table, dump::count(tx, table)?);
            }
            Ok::<_, wharf_store::StoreError>(counts)
        })
        .await
        .expect("counts")
}

fn only(tx: &mut Tx<'_>, shop: ShopId, external_id: &str) -> Result<OrderId, wharf_store::StoreError> {
    Ok(imports::origins(tx, shop, &[external_id.to_owned()])?[external_id].id)
}

async fn phases(bed: &Bed) -> BTreeMap<Phase, i64> {
    let counts = bed.store.read(|tx| rollups::counts(tx, &Scope::ALL, None)).await.expect("counts");
    counts.phases.into_iter().filter(|(_, n)| *n > 0).collect()
}

const SALES: &str = "订单号,下单时间,订单状态,商品名称,商家编码,数量,单价,币种,收货人,手机,收货地址,买家会员名\n\
1001,2026-01-15 08:30:00,已发货,帽子,HAT,2,10.00,CNY,张三,13812345678,浙江省 杭州市 余杭区 文一西路969号,小明\n\
1001,2026-01-15 08:30:00,已发货,帽子,HAT,2,10.00,CNY,张三,13812345678,浙江省 杭州市 余杭区 文一西路969号,小明\n\
1002,2026-01-16 08:30:00,待发货,围巾,SCARF,1,20.00,CNY,李四,13987654321,江苏省 苏州市 昆山市 人民路5号,小红\n\
1003,2026-02-01 08:30:00,已取消,手套,GLOVE,1,5.50,CNY,王五,13711112222,上海 上海市 浦东新区 世纪大道1号,小刚\n\
1004,2026-02-02 08:30:00,已完成,袜子,SOCK,x,5.50,CNY,王五,13711112222,上海 上海市 浦东新区 世纪大道1号,小刚\n";

#[test]
fn an_import_is_shown_written_once_and_taken_back_whole() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let empty = rows(&bed).await;
        let seen = inspect(&app, file(SALES), &options("旧店")).await.expect("looks");
        assert_eq!((seen.orders, seen.new_orders, seen.odd_rows, seen.live), (3, 3, 1, 1));
        assert_eq!(rows(&bed).await, empty, "to look writes nothing");
        let view = preview(&app, file(SALES), &options("旧店")).await.expect("a preview");
        assert_eq!(view.batch.state, ImportState::Previewed);
        let orders = rows(&bed).await;
        assert_eq!((orders["orders"], orders["order_lines"], orders["timeline"]), (0, 0, 0), "a preview touches no order");
        let odd = odd_file(&app, &Scope::ALL, view.batch.id).await.expect("odd rows");
        let odd = String::from_utf8(odd).expect("text");
        assert!(odd.contains("1004") && odd.contains("数量无法识别"), "{odd}");
        let done = commit(&app, &Scope::ALL, view.batch.id).await.expect("a commit");
        assert_eq!((done.created, done.amended, done.unchanged, done.odd_rows, done.parked), (3, 0, 0, 1, 0));
        assert_eq!(commit(&app, &Scope::ALL, view.batch.id).await.expect("again"), done);
        let after = rows(&bed).await;
        assert_eq!((after["orders"], after["order_lines"]), (3, 4), "two equal lines are two");
        // The same file again, whole and in part: nothing new, nothing changed.
        let (_, again) = import(&app, file(SALES), &options("旧店")).await;
        assert_eq!((again.created, again.amended, again.unchanged), (0, 0, 3));
        let part: String = SALES.lines().filter(|l| !l.starts_with("1001")).map(|l| format!("{l}\n")).collect();
        let (_, part) = import(&app, file(&part), &options("旧店")).await;
        assert_eq!((part.created, part.amended, part.unchanged), (0, 0, 2));
        let now = rows(&bed).await;
        for table in ["orders", "order_lines", "timeline", "listings", "holds", "findings", "order_search"] {
            assert_eq!(now[table], after[table], "{table}");
        }
        // What the shop comes to is what the file comes to.
        let shop = view.batch.shop_id.expect("a shop");
        let here = balance(&app, &Scope::ALL, shop).await.expect("a balance");
        let file_says: Vec<_> = view
            .preview
            .expect("a preview")
            .balance
            .into_iter()
            .map(|r| (r.month, r.country, r.sums.orders, r.sums.cancellations, r.sums.lines, r.sums.total_minor))
            .collect();
        let shop_says: Vec<_> =
            here.into_iter().map(|r| (r.month, r.country, r.sums.orders, r.sums.cancellations, r.sums.lines, r.sums.total_minor)).collect();
        assert_eq!(shop_says, file_says);
        let checked = compare(&app, &Scope::ALL, view.batch.id, 20).await.expect("a spot check");
        assert_eq!(checked.len(), 3);
        assert!(checked.iter().all(|c| c.same), "{checked:?}");
        // All three imports are taken back: nothing of them is left but their own records.
        for batch in list(&app, &Scope::ALL, None, 10).await.expect("a list") {
            withdraw(&app, &Scope::ALL, batch.batch.id, None).await.expect("withdrawn");
        }
        assert_eq!(rows(&bed).await, empty);
        assert_eq!(phases(&bed).await, BTreeMap::new());
        let again = withdraw(&app, &Scope::ALL, view.batch.id, None).await.expect("again");
        assert_eq!(again, Withdrawn { erased: 3, restored: 0 });
        assert_eq!(commit(&app, &Scope::ALL, view.batch.id).await, Err(FlowError::refused("import_withdrawn")));
    });
}

#[test]
fn a_newer_file_amends_and_its_withdrawal_restores() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let (first, _) = import(&app, file(SALES), &options("旧店")).await;
        let before = (rows(&bed).await["order_lines"], phases(&bed).await);
        let shop = status(&app, &Scope::ALL, first).await.expect("a view").batch.shop_id.expect("a shop");
        let old = balance(&app, &Scope::ALL, shop).await.expect("a balance");
        let newer = SALES.replace("待发货,围巾,SCARF,1", "已完成,围巾,SCARF,2").replace("1003,2026-02-01", "1005,2026-02-01");
        let (second, done) = import(&app, file(&newer), &options("旧店")).await;
        assert_eq!((done.created, done.amended, done.unchanged), (1, 1, 1));
        assert_eq!(phases(&bed).await.get(&Phase::Completed), Some(&1));
        let refused = withdraw(&app, &Scope::ALL, first, None).await;
        assert!(matches!(&refused, Err(FlowError::Refused { reason }) if reason.starts_with("changed_by_later_import")), "{refused:?}");
        let back = withdraw(&app, &Scope::ALL, second, None).await.expect("withdrawn");
        assert_eq!(back, Withdrawn { erased: 1, restored: 1 });
        assert_eq!((rows(&bed).await["order_lines"], phases(&bed).await), before);
        assert_eq!(balance(&app, &Scope::ALL, shop).await.expect("a balance"), old);
        withdraw(&app, &Scope::ALL, first, None).await.expect("withdrawn");
        assert_eq!(rows(&bed).await["orders"], 0);
    });
}

#[test]
fn history_never_becomes_work_and_work_is_never_withdrawn() {
    let bed = memory();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let app = app(&bed);
        let history = ImportOptions { treat_as: TreatAs::History, ..options("旧店") };
        let (id, _) = import(&app, file(SALES), &history).await;
        assert_eq!(phases(&bed).await.get(&Phase::Held), Some(&1), "{:?}", phases(&bed).await);
        let live = ImportOptions { treat_as: TreatAs::Live, ..options("旧店") };
        let (second, done) = import(&app, file(SALES), &live).await;
        assert_eq!(done.amended, 1, "the hold is taken away");
        assert_eq!(phases(&bed).await.get(&Phase::Held), None, "{:?}", phases(&bed).await);
        // A person works on it: from now on neither import can be taken back.
        let shop = status(&app, &Scope::ALL, id).await.expect("a view").batch.shop_id.expect("a shop");
        let by = Actor::User { id: UserId(1), name: "张".into() };
        let event = Event { kind: "order.note".into(), params: serde_json::Value::Null, actor: by };
        let noted = bed.store.write(move |tx| {
            let order = only(tx, shop, "1002")?;
            timeline::append(tx, &[(order, event)])
        });
        noted.await.expect("a note");
        for batch in [second, id] {
            let refused = withdraw(&app, &Scope::ALL, batch, None).await;
            assert!(matches!(&refused, Err(FlowError::Refused { reason }) if reason.starts_with("orders_worked_on")), "{refused:?}");
        }
        assert_eq!(rows(&bed).await["orders"], 3);
        // Without a status nothing is work unless a person says so.
        let bare = "订单号,商品名称,数量,单价,币种\n9,帽子,1,1.00,CNY\n";
        let seen = inspect(&app, file(bare), &options("新店")).await.expect("looks");
        assert_eq!((seen.live, seen.held_as_history, seen.without_time), (0, 1, 1));
    });
}

#[test]
fn the_two_exports_of_one_shop_meet_across_imports() {
    let bed = memory();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let list = "订单编号,买家会员名,总金额,买家应付邮费,买家应付货款,买家实际支付金额,订单状态,订单创建时间,宝贝标题,宝贝总数量,收货人姓名,收货地址\n=\"100\",小明,90.00,0元,90.00,90.00,交易成功,2026-01-15 08:30:00,短袖，帽子,3,张三,浙江省 杭州市 余杭区 路1号\n";
    let lines = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,订单状态\n=\"100\",短袖,40.00,2,TS,,,交易成功\n=\"100\",帽子,20.00,1,HAT,,,交易成功\n";
    runtime.block_on(async {
        for (one, two) in [(list, lines), (lines, list)] {
            let shop = if one == list { "甲" } else { "乙" };
            let app = app(&bed);
            let (first, a) = import(&app, file(one), &options(shop)).await;
            let (second, b) = import(&app, file(two), &options(shop)).await;
            assert_eq!((a.created, b.created, b.amended), (1, 0, 1), "{shop}");
            let shop_id = status(&app, &Scope::ALL, first).await.expect("a view").batch.shop_id.expect("a shop");
            let sums = &balance(&app, &Scope::ALL, shop_id).await.expect("a balance")[0];
            assert_eq!(
                (sums.month.as_str(), sums.sums.orders, sums.sums.lines, sums.sums.total_minor, sums.sums.goods_minor),
                ("2026-01", 1, 2, 9000, 9000),
                "{shop}"
            );
            let (_, again) = import(&app, file(one), &options(shop)).await;
            assert_eq!((again.created, again.amended), (0, 0), "{shop}: the first file again says nothing new");
            withdraw(&app, &Scope::ALL, second, None).await.expect("withdrawn");
            let sums = &balance(&app, &Scope::ALL, shop_id).await.expect("a balance")[0];
            assert_eq!(sums.sums.lines, if one == list { 1 } else { 2 }, "{shop}");
            withdraw(&app, &Scope::ALL, first, None).await.expect("withdrawn");
        }
        assert_eq!(rows(&bed).await["orders"], 0);
    });
}

#[test]
fn what_the_channel_told_is_never_touched_by_a_file() {
    let bed = memory();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let app = app(&bed);
        let (first, _) = import(&app, file(SALES), &options("旧店")).await;
        let shop = status(&app, &Scope::ALL, first).await.expect("a view").batch.shop_id.expect("a shop");
        let told = bed.store.write(move |tx| {
            let order = only(tx, shop, "1002")?;
            imports::set_origin(tx, order, None)
        });
        told.await.expect("told by the channel");
        let changed = SALES.replace("SCARF,1", "SCARF,9");
        let (id, done) = import(&app, file(&changed), &options("旧店")).await;
        assert_eq!((done.created, done.amended, done.known_by_channel), (0, 0, 1));
        assert_eq!(withdraw(&app, &Scope::ALL, id, None).await, Ok(Withdrawn::default()));
    });
}

const MAPPING: &str = include_str!("../../../../docs/guide/uci-mapping.json");

/// Figures straight from the lines of the file, by other means than the import's: tenths of a penny in whole numbers.
fn figures(bytes: &[u8]) -> BTreeMap<(String, String), (i64, i64, i64, i64)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).expect("text");
    let mut invoices: BTreeMap<String, (String, String, i64, i64)> = BTreeMap::new();
    for line in text.lines().skip(1) {
        // Only the description may hold quotes and commas; it stands third.
        let (front, rest) =
            line.split_once(',').and_then(|(no, rest)| rest.split_once(',').map(|(_, rest)| (no, rest))).expect("three cells");
        let back: Vec<&str> = rest.rsplitn(6, ',').collect();
        let (country, price, date, quantity) = (back[0], back[2], back[3], back[4]);
        let (whole, fraction) = price.trim_start_matches('-').split_once('.').unwrap_or((price.trim_start_matches('-'), ""));
        let mills: i64 = format!("{whole}{fraction:0<3}").parse().expect("a price");
        let mills = if price.starts_with('-') { -mills } else { mills };
        let entry = invoices.entry(front.to_owned()).or_insert((date.to_owned(), country.to_owned(), 0, 0));
        entry.0 = entry.0.clone().min(date.to_owned());
        entry.2 += 1;
        entry.3 += quantity.parse::<i64>().expect("a quantity") * mills;
    }
    let mut out: BTreeMap<(String, String), (i64, i64, i64, i64)> = BTreeMap::new();
    for (number, (date, country, lines, mills)) in invoices {
        let cell = out.entry((date[..7].to_owned(), country)).or_default();
        if number.starts_with('C') {
            cell.1 += 1
        } else {
            cell.0 += 1
        }
        cell.2 += lines;
        cell.3 += mills;
    }
    out
}

async fn real_data(app: &App, bed: &Bed, files: Vec<Input>) -> (ImportBatchId, Committed) {
    let mapping = Some(serde_json::from_str(MAPPING).expect("JSON"));
    let options = ImportOptions { mapping, ..options("UCI") };
    let (id, done) = import(app, files.clone(), &options).await;
    assert_eq!((done.odd_rows, done.parked), (0, 0));
    let (_, again) = import(app, files, &options).await;
    assert_eq!((again.created, again.amended, again.unchanged), (0, 0, done.orders), "a second import changes nothing");
    let cancelled = phases(bed).await.get(&Phase::Cancelled).copied().unwrap_or(0);
    let shop = status(app, &Scope::ALL, id).await.expect("a view").batch.shop_id.expect("a shop");
    let rows = balance(app, &Scope::ALL, shop).await.expect("a balance");
    assert_eq!(cancelled, rows.iter().map(|r| r.sums.cancellations).sum::<i64>(), "a cancelled order is a credit note");
    (id, done)
}

#[test]
fn the_sample_of_real_data_balances_to_the_penny_and_can_be_withdrawn() {
    let sample: &[u8] = include_bytes!("../../testdata/online_retail_sample.csv.gz");
    let bed = memory();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let app = app(&bed);
        let empty = rows(&bed).await;
        let (id, _) = real_data(&app, &bed, vec![Input::new("sample.csv.gz", sample.to_vec())]).await;
        let view = status(&app, &Scope::ALL, id).await.expect("a view");
        let shop = view.batch.shop_id.expect("a shop");
        let names: BTreeMap<String, String> = figures(sample).into_keys().map(|(_, word)| (short(&word), word)).collect();
        let ours: BTreeMap<_, _> = balance(&app, &Scope::ALL, shop)
            .await
            .expect("a balance")
            .into_iter()
            .map(|r| {
                (
                    (r.month, names.get(&r.country).cloned().unwrap_or(r.country)),
                    (r.sums.orders, r.sums.cancellations, r.sums.lines, r.sums.total_minor),
                )
            })
            .collect();
        let theirs: BTreeMap<_, _> =
            figures(sample).into_iter().map(|(key, (o, c, l, mills))| (key, (o, c, l, mills.div_euclid(10)))).collect();
        assert!(theirs.len() > 100);
        assert_eq!(ours, theirs);
        let checked = compare(&app, &Scope::ALL, id, 20).await.expect("a spot check");
        assert!(checked.len() == 20 && checked.iter().all(|c| c.same));
        for batch in list(&app, &Scope::ALL, None, 10).await.expect("a list") {
            withdraw(&app, &Scope::ALL, batch.batch.id, None).await.expect("withdrawn");
        }
        assert_eq!(rows(&bed).await, empty);
    });
}

/// The codes of this data, written down a second time.
fn short(word: &str) -> String {
    let codes = [
        ("United Kingdom", "GB"),
        ("EIRE", "IE"),
        ("Germany", "DE"),
        ("France", "FR"),
        ("Spain", "ES"),
        ("Netherlands", "NL"),
        ("Belgium", "BE"),
        ("Switzerland", "CH"),
        ("Australia", "AU"),
        ("Portugal", "PT"),
        ("Norway", "NO"),
        ("Finland", "FI"),
        ("Italy", "IT"),
        ("Cyprus", "CY"),
        ("Sweden", "SE"),
        ("Japan", "JP"),
        ("Austria", "AT"),
        ("Poland", "PL"),
        ("Denmark", "DK"),
        ("Israel", "IL"),
        ("Hong Kong", "HK"),
        ("Singapore", "SG"),
        ("Canada", "CA"),
        ("Iceland", "IS"),
        ("Greece", "GR"),
        ("Malta", "MT"),
        ("United Arab Emirates", "AE"),
        ("Lebanon", "LB"),
        ("Lithuania", "LT"),
        ("Brazil", "BR"),
        ("USA", "US"),
        ("Bahrain", "BH"),
        ("Czech Republic", "CZ"),
        ("Saudi Arabia", "SA"),
    ];
    codes.iter().find(|(name, _)| *name == word).map_or_else(|| word.to_owned(), |(_, code)| (*code).to_owned())
}

/// The whole files, where somebody has them: `WHARF_DATA` names their folder. The balance goes to `WHARF_BALANCE` for
/// `scripts/uci-check.py`.
#[test]
fn the_whole_real_data_balances() {
    let Ok(folder) = std::env::var("WHARF_DATA") else { return };
    let mut files: Vec<Input> = Vec::new();
    for part in ["online_retail_uci_part1.csv.gz", "online_retail_uci_part2.csv.gz"] {
        files.push(Input::path(std::path::Path::new(&folder).join(part)));
    }
    let bed = memory();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let app = app(&bed);
        let (id, done) = real_data(&app, &bed, files).await;
        let shop = status(&app, &Scope::ALL, id).await.expect("a view").batch.shop_id.expect("a shop");
        let rows = balance(&app, &Scope::ALL, shop).await.expect("a balance");
        assert_eq!(rows.iter().map(|r| r.sums.lines).sum::<i64>(), 370_931);
        if let Ok(path) = std::env::var("WHARF_BALANCE") {
            std::fs::write(path, serde_json::to_vec(&rows).expect("JSON")).expect("writes");
        }
        assert_eq!(done.created, 18_786);
    });
}

#[test]
fn an_unreadable_file_is_refused_by_name_and_nothing_is_kept() {
    let bed = memory();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let app = app(&bed);
        let refused = preview(&app, vec![Input::new("orders.csv", b"<html>sign in</html>".to_vec())], &options("旧店")).await;
        assert!(
            matches!(&refused, Err(FlowError::Invalid { field, why }) if field == "orders.csv" && why.contains("web page")),
            "{refused:?}"
        );
        assert!(list(&app, &Scope::ALL, None, 10).await.expect("a list").is_empty());
        let missing = status(&app, &Scope::ALL, ImportBatchId(5)).await;
        assert!(matches!(missing, Err(FlowError::NotFound(_))));
    });
}
