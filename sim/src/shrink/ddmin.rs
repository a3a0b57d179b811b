//! Delta debugging: a small part of a list that is still enough.
//!
//! Promises: what comes out passes the test, unless the whole list did not need to; taking out any one
//! further item fails it. Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
//! Input" (2002), without its steps towards a subset: their complements find the same parts here.

/// Leaves out whatever `is_enough` does not need. The list itself is taken to be enough.
pub(super) fn ddmin<T: Clone>(
    mut items: Vec<T>,
    mut is_enough: impl FnMut(&[T]) -> bool,
) -> Vec<T> {
    let mut part_count = 2;
    if !items.is_empty() && is_enough(&[]) {
        return Vec::new();
    }
    while items.len() > 1 {
        let part_len = items.len().div_ceil(part_count);
        let reduced = (0..items.len()).step_by(part_len).find_map(|start| {
            let end = items.len().min(start + part_len);
            let rest = [&items[..start], &items[end..]].concat();
            is_enough(&rest).then_some(rest)
        });
        match reduced {
            Some(rest) => {
                items = rest;
                part_count = part_count.saturating_sub(1).max(2);
            }
            None if part_len == 1 => return items,
            None => part_count = (part_count * 2).min(items.len()),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::ddmin;

    fn check(needed: &[u32]) -> usize {
        let mut tests = 0;
        let found = ddmin((0..64).collect(), |part: &[u32]| {
            tests += 1;
            needed.iter().all(|it| part.contains(it))
        });
        assert_eq!(found, needed);
        tests
    }

    #[test]
    fn what_is_needed_is_all_that_is_left() {
        check(&[]);
        check(&[0]);
        check(&[63]);
        check(&[5, 6]);
        check(&[1, 17, 33, 62]);
    }

    #[test]
    fn one_item_among_many_is_found_in_a_few_tests() {
        assert!(check(&[41]) <= 20);
    }
}
