//! Which records changed when, newest last: a log with one live entry per record and a Fenwick tree over it, so that
//! "how many between two times" and "the k-th newest of them" stay logarithmic at any number of orders.

/// The log of one shop.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModifiedLog {
    /// (second, record), in order of seconds.
    entries: Vec<(i64, usize)>,
    live: Vec<bool>,
    /// 1-based Fenwick tree of live entries.
    tree: Vec<u32>,
    /// Position of a record's live entry.
    position: std::collections::HashMap<usize, usize>,
}

impl ModifiedLog {
    /// Notes that `record` changed in `second`, which is never before the last one noted.
    pub(crate) fn touch(&mut self, second: i64, record: usize) {
        if self.entries.len() > 4096 && self.entries.len() > 3 * self.position.len() {
            self.compact();
        }
        if let Some(old) = self.position.get(&record).copied() {
            self.live[old] = false;
            self.add(old, false);
        }
        let at = self.entries.len();
        self.entries.push((second, record));
        self.live.push(true);
        self.push_node();
        self.position.insert(record, at);
    }

    /// How many records changed last between two seconds, both included.
    pub(crate) fn count(&self, from: i64, to: i64) -> usize {
        let (low, high) = self.bounds(from, to);
        self.prefix(high).saturating_sub(self.prefix(low))
    }

    /// Up to `take` records of that window, newest first, after leaving out `skip`.
    pub(crate) fn newest(&self, from: i64, to: i64, skip: usize, take: usize) -> Vec<usize> {
        let (low, high) = self.bounds(from, to);
        let (below, total) = (self.prefix(low), self.prefix(high));
        let mut out = Vec::with_capacity(take.min(total - below));
        let mut rank = total.saturating_sub(skip);
        if rank <= below {
            return out;
        }
        let mut at = self.select(rank);
        while out.len() < take && rank > below {
            if self.live[at] {
                out.push(self.entries[at].1);
                rank -= 1;
            }
            if at == 0 {
                break;
            }
            at -= 1;
        }
        out
    }

    fn bounds(&self, from: i64, to: i64) -> (usize, usize) {
        let low = self.entries.partition_point(|e| e.0 < from);
        let high = self.entries.partition_point(|e| e.0 <= to);
        (low, high.max(low))
    }

    /// Live entries before position `end`.
    fn prefix(&self, end: usize) -> usize {
        let mut sum = 0;
        let mut node = end;
        while node > 0 {
            sum += self.tree[node - 1] as usize;
            node &= node - 1;
        }
        sum
    }

    /// Position of the `rank`-th live entry, counted from 1.
    fn select(&self, rank: usize) -> usize {
        let mut node = 0;
        let mut left = rank;
        let mut step = self.tree.len().next_power_of_two();
        while step > 0 {
            let next = node + step;
            if next <= self.tree.len() && (self.tree[next - 1] as usize) < left {
                node = next;
                left -= self.tree[next - 1] as usize;
            }
            step >>= 1;
        }
        node
    }

    fn add(&mut self, position: usize, live: bool) {
        let mut node = position + 1;
        while node <= self.tree.len() {
            let cell = &mut self.tree[node - 1];
            *cell = if live { *cell + 1 } else { *cell - 1 };
            node += node & node.wrapping_neg();
        }
    }

    /// Appends a live entry: the new node covers itself and the whole subtrees before it.
    fn push_node(&mut self) {
        let node = self.tree.len() + 1;
        let start = node - (node & node.wrapping_neg());
        let sum = self.prefix(node - 1) - self.prefix(start);
        self.tree.push(sum as u32 + 1);
    }

    fn compact(&mut self) {
        let kept: Vec<(i64, usize)> = self.entries.iter().zip(&self.live).filter(|(_, live)| **live).map(|(e, _)| *e).collect();
        *self = ModifiedLog::default();
        for (second, record) in kept {
            let at = self.entries.len();
            self.entries.push((second, record));
            self.live.push(true);
            self.push_node();
            self.position.insert(record, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_answers_as_a_plain_list_does(touches in prop::collection::vec((0i64..3, 0usize..12), 0..200), from in 0i64..200, width in 0i64..200, skip in 0usize..20, take in 0usize..20) {
            let mut log = ModifiedLog::default();
            let mut plain: Vec<(i64, usize)> = Vec::new();
            let mut second = 0;
            for (step, record) in touches {
                second += step;
                log.touch(second, record);
                plain.retain(|e| e.1 != record);
                plain.push((second, record));
            }
            let to = from + width;
            let inside: Vec<usize> = plain.iter().rev().filter(|e| e.0 >= from && e.0 <= to).map(|e| e.1).collect();
            prop_assert_eq!(log.count(from, to), inside.len());
            prop_assert_eq!(log.newest(from, to, skip, take), inside.into_iter().skip(skip).take(take).collect::<Vec<_>>());
        }
    }

    #[test]
    fn it_stays_small_when_records_change_often() {
        let mut log = ModifiedLog::default();
        for second in 0..50_000 {
            log.touch(second, (second % 100) as usize);
        }
        assert!(log.entries.len() < 5_000);
        assert_eq!(log.count(0, 50_000), 100);
        assert_eq!(log.newest(0, 50_000, 0, 1), [99]);
    }
}
