//! Which carrier and service a parcel goes by: every rate card row that reaches the destination is priced, days are
//! weighed against money, and each candidate keeps what it would have cost and why it lost.

use crate::address::Region;
use crate::id::{CarrierAccountId, ShopId};
use crate::money::Currency;
use serde::{Deserialize, Serialize};

/// A row of a rate card: price of the first weight and of each further step, for one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Whose card.
    pub account: CarrierAccountId,
    /// The carrier's service word.
    pub service: String,
    /// Destination country.
    pub country: String,
    /// Destination province; empty for any.
    pub province: String,
    /// Destination city; empty for any.
    pub city: String,
    /// Currency of the prices.
    pub currency: Currency,
    /// Weight that the first price covers.
    pub first_grams: i64,
    /// The first price.
    pub first_minor: i64,
    /// Grams of a further step.
    pub step_grams: i64,
    /// Price of a further step.
    pub step_minor: i64,
    /// The heaviest parcel it takes.
    pub max_grams: i64,
    /// Days it promises.
    pub days: i64,
}

impl Rate {
    /// Price of a parcel, `None` when it is too heavy. A started step is a whole step.
    pub fn price(&self, grams: i64) -> Option<i64> {
        if grams > self.max_grams {
            return None;
        }
        let over = (grams - self.first_grams).max(0);
        let steps = if over == 0 { 0 } else { (over + self.step_grams.max(1) - 1) / self.step_grams.max(1) };
        Some(self.first_minor + steps * self.step_minor)
    }

    /// How closely the row names a destination: 3 city, 2 province, 1 country, `None` when it does not reach it.
    fn closeness(&self, to: &Region) -> Option<u8> {
        let country = if to.country.is_empty() { "CN" } else { to.country.as_str() };
        if self.country != country {
            return None;
        }
        match (self.province.as_str(), self.city.as_str()) {
            ("", "") => Some(1),
            (province, "") if same_division(province, &to.province) => Some(2),
            (province, city) if (province.is_empty() || same_division(province, &to.province)) && same_division(city, &to.city) => Some(3),
            _ => None,
        }
    }
}

/// 浙江 and 浙江省 are one.
fn same_division(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    a == b || (a.chars().count() >= 2 && b.chars().count() >= 2 && (a.starts_with(b) || b.starts_with(a)))
}

/// An account that parcels may go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which.
    pub id: CarrierAccountId,
    /// Its name, for the sentence.
    pub name: String,
    /// Set when it only ships orders of one shop.
    pub shop_id: Option<ShopId>,
    /// It can read a channel's address token.
    pub opens_tokens: bool,
    /// The service of a parcel when no rate card names one.
    pub default_service: String,
}

/// The parcel that must go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The shop of its orders.
    pub shop_id: ShopId,
    /// Where to.
    pub destination: Region,
    /// Weight.
    pub weight_grams: i64,
    /// The address is only a token: the carrier must be able to open it.
    pub token_only: bool,
    /// A person's choice: no other account is considered.
    pub only: Option<CarrierAccountId>,
}

/// Balance of cost and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What a day is worth, in minor units of the rate card.
    pub minor_per_day: i64,
}

impl Default for Balance {
    fn default() -> Self {
        Balance { minor_per_day: 50 }
    }
}

/// Why a candidate did not win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Verdict {
    /// It goes by this one.
    Chosen,
    /// Dearer or slower: its score is higher by so much.
    Lost {
        /// Minor units of score.
        by: i64,
    },
    /// The parcel is heavier than it takes.
    TooHeavy {
        /// The heaviest it takes.
        max_grams: i64,
    },
    /// Its card does not reach the destination.
    NoRate,
    /// It cannot read the address token.
    TokenUnreadable,
    /// It ships only for another shop.
    OtherShop,
    /// Its prices are in another currency and cannot be compared.
    OtherCurrency,
    /// It has no card at all and would be taken only when nothing else is there.
    Unpriced,
}

/// One account and service as the decision saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which account.
    pub account: CarrierAccountId,
    /// Its name.
    pub name: String,
    /// The service.
    pub service: String,
    /// Its price in minor units.
    pub price_minor: Option<i64>,
    /// Currency of the price.
    pub currency: Option<Currency>,
    /// Days it promises.
    pub days: Option<i64>,
    /// Price plus what its days are worth: the lower wins.
    pub score: Option<i64>,
    /// What became of it.
    pub verdict: Verdict,
}

/// What was decided, with everyone that was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Index of the winner in `candidates`; `None` when no carrier can take it.
    pub chosen: Option<usize>,
    /// Everyone, the best first.
    pub candidates: Vec<Candidate>,
    /// Weight that was priced.
    pub weight_grams: i64,
    /// The balance in force.
    pub balance: Balance,
}

impl Choice {
    /// The winner.
    pub fn winner(&self) -> Option<&Candidate> {
        self.chosen.and_then(|index| self.candidates.get(index))
    }
}

/// Chooses carrier and service for one parcel.
pub fn choose(parcel: &Parcel, accounts: &[Account], rates: &[Rate], balance: Balance) -> Choice {
    let mut candidates: Vec<Candidate> = Vec::new();
    for account in accounts.iter().filter(|a| parcel.only.is_none_or(|only| only == a.id)) {
        let blank = |service: &str, verdict: Verdict| Candidate {
            account: account.id,
            name: account.name.clone(),
            service: service.to_owned(),
            price_minor: None,
            currency: None,
            days: None,
            score: None,
            verdict,
        };
        if account.shop_id.is_some_and(|shop| shop != parcel.shop_id) {
            candidates.push(blank("", Verdict::OtherShop));
            continue;
        }
        if parcel.token_only && !account.opens_tokens {
            candidates.push(blank("", Verdict::TokenUnreadable));
            continue;
        }
        let own: Vec<&Rate> = rates.iter().filter(|r| r.account == account.id).collect();
        if own.is_empty() {
            candidates.push(blank(&account.default_service, Verdict::Unpriced));
            continue;
        }
        let mut services: Vec<&str> = own.iter().map(|r| r.service.as_str()).collect();
        services.sort_unstable();
        services.dedup();
        for service in services {
            let reaching = own.iter().filter(|r| r.service == service).filter_map(|r| r.closeness(&parcel.destination).map(|c| (c, *r)));
            match reaching.max_by_key(|(closeness, _)| *closeness) {
                None => candidates.push(blank(service, Verdict::NoRate)),
                Some((_, rate)) => match rate.price(parcel.weight_grams) {
                    None => candidates.push(blank(service, Verdict::TooHeavy { max_grams: rate.max_grams })),
                    Some(price) => candidates.push(Candidate {
                        price_minor: Some(price),
                        currency: Some(rate.currency),
                        days: Some(rate.days),
                        score: Some(price + rate.days * balance.minor_per_day),
                        ..blank(service, Verdict::Chosen)
                    }),
                },
            }
        }
    }
    // Prices of two currencies cannot be compared: the currency of the first account that has a price leads.
    let currency = candidates.iter().find_map(|c| c.currency);
    for candidate in candidates.iter_mut().filter(|c| c.currency.is_some() && c.currency != currency) {
        candidate.verdict = Verdict::OtherCurrency;
        candidate.score = None;
    }
    candidates.sort_by_key(|c| (c.score.is_none(), c.score, c.days, c.verdict != Verdict::Unpriced, c.account, c.service.clone()));
    let chosen = match candidates.first() {
        Some(best) if best.score.is_some() || best.verdict == Verdict::Unpriced => Some(0),
        _ => None,
    };
    let best = candidates.first().and_then(|c| c.score).unwrap_or(0);
    for (index, candidate) in candidates.iter_mut().enumerate() {
        if Some(index) == chosen {
            candidate.verdict = Verdict::Chosen;
        } else if let Some(score) = candidate.score {
            candidate.verdict = Verdict::Lost { by: score - best };
        }
    }
    Choice { chosen, candidates, weight_grams: parcel.weight_grams, balance }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::CNY;

    fn rate(account: i64, service: &str, province: &str, city: &str, first_minor: i64, days: i64) -> Rate {
        Rate {
            account: CarrierAccountId(account),
            service: service.into(),
            country: "CN".into(),
            province: province.into(),
            city: city.into(),
            currency: CNY,
            first_grams: 1_000,
            first_minor,
            step_grams: 500,
            step_minor: 100,
            max_grams: 20_000,
            days,
        }
    }

    fn account(id: i64) -> Account {
        Account { id: CarrierAccountId(id), name: format!("A{id}"), shop_id: None, opens_tokens: false, default_service: "standard".into() }
    }

    fn parcel(grams: i64) -> Parcel {
        Parcel {
            shop_id: ShopId(1),
            destination: Region { country: "CN".into(), province: "浙江省".into(), city: "杭州市".into(), ..Region::default() },
            weight_grams: grams,
            token_only: false,
            only: None,
        }
    }

    #[test]
    fn first_weight_then_started_steps() {
        let rate = rate(1, "std", "", "", 500, 3);
        assert_eq!(rate.price(1), Some(500));
        assert_eq!(rate.price(1_000), Some(500));
        assert_eq!(rate.price(1_001), Some(600));
        assert_eq!(rate.price(2_000), Some(700));
        assert_eq!(rate.price(20_001), None);
    }

    #[test]
    fn the_longest_destination_wins_within_a_service() {
        let rates = [
            rate(1, "std", "", "", 900, 3),
            rate(1, "std", "浙江", "", 700, 3),
            rate(1, "std", "浙江", "杭州", 500, 2),
            rate(1, "std", "四川", "", 100, 1),
        ];
        let choice = choose(&parcel(800), &[account(1)], &rates, Balance::default());
        assert_eq!(choice.winner().expect("one").price_minor, Some(500));
        assert_eq!(choice.candidates.len(), 1);
    }

    #[test]
    fn days_are_weighed_against_money_and_the_loser_says_by_how_much() {
        let rates = [rate(1, "economy", "", "", 500, 5), rate(1, "express", "", "", 900, 1), rate(2, "std", "", "", 640, 2)];
        let cheap = choose(&parcel(800), &[account(1), account(2)], &rates, Balance { minor_per_day: 10 });
        assert_eq!(cheap.winner().expect("one").service, "economy");
        let fast = choose(&parcel(800), &[account(1), account(2)], &rates, Balance { minor_per_day: 300 });
        assert_eq!(fast.winner().expect("one").service, "express");
        let second = &fast.candidates[1];
        assert_eq!((second.service.as_str(), second.verdict.clone()), ("std", Verdict::Lost { by: 40 }));
    }

    #[test]
    fn those_who_cannot_take_it_say_why() {
        let mut other = account(3);
        other.shop_id = Some(ShopId(9));
        let rates = [rate(1, "std", "", "", 500, 3), rate(2, "std", "四川", "", 500, 3)];
        let heavy = choose(&parcel(30_000), &[account(1), account(2), other], &rates, Balance::default());
        assert_eq!(heavy.chosen, None);
        let mut why: Vec<_> = heavy.candidates.iter().map(|c| (c.account.0, c.verdict.clone())).collect();
        why.sort_by_key(|w| w.0);
        assert_eq!(why, vec![(1, Verdict::TooHeavy { max_grams: 20_000 }), (2, Verdict::NoRate), (3, Verdict::OtherShop)]);
        let mut token = parcel(800);
        token.token_only = true;
        let mut opener = account(4);
        opener.opens_tokens = true;
        let choice = choose(&token, &[account(1), opener], &rates, Balance::default());
        assert_eq!(choice.winner().expect("one").account, CarrierAccountId(4), "unpriced, yet the only one that can read the token");
        assert!(choice.candidates.iter().any(|c| c.verdict == Verdict::TokenUnreadable));
    }
}
