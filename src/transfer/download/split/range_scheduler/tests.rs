//! Tests of the range scheduler.

use super::*;

const MB: u64 = 1_000_000;
const SETUP: Duration = Duration::from_millis(100);

fn range(start: u64, end: u64) -> ByteRange {
    ByteRange::new(start, end)
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns a scheduler in which one connection to the first source reads a file of this size.
fn with_one_connection(whole: u64, rate: f64) -> RangeScheduler {
    let mut scheduler = RangeScheduler::new(vec![range(0, whole)]);
    scheduler.adopt(0, at(0), rate);
    scheduler
}

#[test]
fn unassigned_ranges_come_first_and_in_order() {
    let mut scheduler = RangeScheduler::new(vec![range(5, 10), range(20, 30)]);
    assert_eq!(scheduler.next_range(0, 4, SETUP, at(0)), Some((0, range(5, 10))));
    assert_eq!(scheduler.next_range(1, 4, SETUP, at(0)), Some((1, range(20, 30))));
    assert_eq!(scheduler.next_range(1, 4, SETUP, at(0)), None);
    assert_eq!(
        scheduler.accept_bytes(0, 2, at(1)),
        AcceptedBytes { start: 5, skipped: 0, accepted: 2, is_last: false }
    );
    assert_eq!(scheduler.end(0), Some((0, 2)));
    assert_eq!((scheduler.remaining(), scheduler.open_to(1), scheduler.open_to(0)), (13, 1, 0));
    assert_eq!(scheduler.next_range(2, 4, SETUP, at(1)), Some((0, range(7, 10))));
}

#[test]
fn many_connections_get_equal_shares_from_the_end() {
    let mut scheduler = with_one_connection(160 * MB, 10e6);
    let taken: Vec<_> = (0..15).map(|_| scheduler.next_range(0, 16, SETUP, at(0)).unwrap().1).collect();
    assert!(taken.iter().all(|range| range.len() == 10 * MB || range.len() == 9_500_000), "{taken:?}");
    assert_eq!(taken[0].end, 160 * MB);
    assert_eq!((scheduler.open_count(), scheduler.answered_count()), (16, 1));
}

#[test]
fn range_of_the_slowest_connection_is_split_for_an_idle_one() {
    let mut scheduler = RangeScheduler::new(vec![range(0, 100 * MB), range(100 * MB, 200 * MB)]);
    for (connection, (source, bytes_received)) in [(0, 2 * MB), (1, 30 * MB)].into_iter().enumerate() {
        scheduler.next_range(source, 3, SETUP, at(0));
        scheduler.record_answer(connection, at(0));
        scheduler.accept_bytes(connection, usize::try_from(bytes_received).unwrap(), at(1000));
    }
    scheduler.measure(at(1000));
    // The new connection is as fast as the second one: this and the first one finish at the same time.
    let (_, taken) = scheduler.next_range(1, 1, SETUP, at(1000)).unwrap();
    let kept = taken.start - 2 * MB;
    assert_eq!(taken.end, 100 * MB);
    let (theirs, ours) = (kept as f64 / 2e6, taken.len() as f64 / 30e6 + SETUP.as_secs_f64());
    assert!((theirs - ours).abs() < 0.01, "{theirs} and {ours} seconds");
}

#[test]
fn range_nearly_complete_is_not_split() {
    let mut scheduler = with_one_connection(MIN_RANGE * 2 - 1, 1.0);
    assert_eq!(scheduler.next_range(0, 2, SETUP, at(0)), None);
    let mut scheduler = with_one_connection(10 * MB, 100e6);
    assert_eq!(scheduler.next_range(0, 2, SETUP, at(0)), None);
    assert!(scheduler.next_range(0, 2, at(10), at(0)).is_some());
}

#[test]
fn bytes_behind_the_end_are_not_accepted() {
    let mut scheduler = with_one_connection(10 * MB, 1e6);
    let (connection, taken) = scheduler.next_range(0, 2, SETUP, at(0)).unwrap();
    let all = usize::try_from(10 * MB).unwrap();
    let wanted = usize::try_from(taken.start).unwrap();
    assert_eq!(
        scheduler.accept_bytes(0, all, at(1)),
        AcceptedBytes { start: 0, skipped: 0, accepted: wanted, is_last: true }
    );
    scheduler.end(0);
    let wanted = usize::try_from(taken.len()).unwrap();
    assert_eq!(
        scheduler.accept_bytes(connection, all, at(1)),
        AcceptedBytes { start: taken.start, skipped: 0, accepted: wanted, is_last: true }
    );
    assert!(scheduler.is_done());
}

#[test]
fn connection_silent_while_others_receive_is_stalled() {
    let timeout = at(1000);
    let mut scheduler = with_one_connection(100 * MB, 1e6);
    let (connection, _) = scheduler.next_range(0, 2, SETUP, at(0)).unwrap();
    scheduler.record_answer(connection, at(10));
    scheduler.accept_bytes(connection, 10, at(1990));
    assert_eq!(scheduler.stalled(at(2000), timeout), [0]);
    assert!(scheduler.stalled(at(900), timeout).is_empty());
    scheduler.accept_bytes(0, 10, at(2000));
    assert!(scheduler.stalled(at(4000), timeout).is_empty(), "all are silent");
    scheduler.accept_bytes(connection, 10, at(2300));
    scheduler.end(connection);
    assert_eq!(scheduler.stalled(at(4000), timeout), [0], "the other one is through");
}

#[test]
fn response_extends_to_ranges_not_begun_or_released() {
    let mut scheduler = with_one_connection(40 * MB, 1e6);
    let (second, taken) = scheduler.next_range(0, 4, SETUP, at(0)).unwrap();
    let (third, middle) = scheduler.next_range(0, 4, SETUP, at(0)).unwrap();
    assert_eq!(middle.end, taken.start);
    let length = |range: ByteRange| usize::try_from(range.len()).unwrap();
    assert!(scheduler.accept_bytes(0, usize::try_from(middle.start).unwrap(), at(1)).is_last);
    // The third has not been answered.
    assert_eq!(scheduler.extend(0, 0), Extension::TakenFrom(third));
    assert!(scheduler.accept_bytes(0, length(middle), at(2)).is_last);
    // The second one has, and fails after a megabyte, which the first one receives again.
    scheduler.record_answer(second, at(2));
    assert_eq!(scheduler.extend(0, MB), Extension::None);
    scheduler.accept_bytes(second, 1_000_000, at(3));
    scheduler.end(second);
    assert_eq!((scheduler.extend(0, MB - 1), scheduler.extend(0, MB)), (Extension::None, Extension::Unassigned));
    let arrived = scheduler.accept_bytes(0, length(taken), at(4));
    let wanted = length(taken) - 1_000_000;
    assert_eq!(arrived, AcceptedBytes { start: taken.start + MB, skipped: 1_000_000, accepted: wanted, is_last: true });
    assert!(scheduler.is_done() && scheduler.extend(0, u64::MAX) == Extension::None);
}

/// For any order of events, takeovers, failures and rates, every byte is stored exactly once.
/// Delivers `bytes` to a response, whose next byte on the wire has the offset `response.1`; counts in `here` how often each
/// byte of the file was accepted. Returns the connections that are closed by it, and the number of extensions.
fn receive(
    scheduler: &mut RangeScheduler,
    response: &mut (usize, u64),
    mut bytes: usize,
    now: Duration,
    here: &mut [u8],
    random: &mut impl FnMut(u64) -> u64,
) -> (Vec<usize>, usize) {
    let (connection, mut at_wire) = *response;
    response.1 += bytes as u64;
    let (mut all_closed, mut extensions) = (Vec::new(), 0);
    while bytes > 0 {
        let arrived = scheduler.accept_bytes(connection, bytes, now);
        // Wanted bytes have their offset in the response.
        at_wire += arrived.skipped as u64;
        assert!(arrived.accepted == 0 || arrived.start == at_wire);
        at_wire += arrived.accepted as u64;
        bytes -= arrived.skipped + arrived.accepted;
        let start = usize::try_from(arrived.start).unwrap();
        here[start..start + arrived.accepted].iter_mut().for_each(|byte| *byte += 1);
        if arrived.is_last {
            let closed = match scheduler.extend(connection, random(300_000)) {
                Extension::None => scheduler.end(connection).map(|_| connection),
                Extension::Unassigned => None,
                Extension::TakenFrom(other) => Some(other),
            };
            all_closed.extend(closed);
            if closed == Some(connection) {
                break;
            }
            extensions += 1;
        }
    }
    (all_closed, extensions)
}

#[test]
fn every_byte_is_accepted_exactly_once() {
    let mut generator = crate::testing::random();
    let mut random = move |below: u64| generator.u64(..below);
    let (mut taken_over, mut extended) = (0, 0);
    for _ in 0..40 {
        let whole = 1 + random(6_000_000);
        let mut here = vec![0_u8; usize::try_from(whole).unwrap()];
        let (one, two) = (random(whole + 1), random(whole + 1));
        let known = one.min(two)..one.max(two);
        here[usize::try_from(known.start).unwrap()..usize::try_from(known.end).unwrap()].fill(1);
        let missing_ranges = [range(0, known.start), range(known.end, whole)];
        let mut scheduler = RangeScheduler::new(missing_ranges.into_iter().filter(|range| !range.is_empty()).collect());
        let (mut time, mut open, mut failures) = (0, Vec::<(usize, u64)>::new(), 200);
        while !scheduler.is_done() {
            time += random(20);
            match random(if failures > 0 { 12 } else { 11 }) {
                0..3 => {
                    if open.len() < 16
                        && let Some((connection, range)) =
                            scheduler.next_range(usize::try_from(random(3)).unwrap(), 16, at(random(9)), at(time))
                    {
                        taken_over += usize::from(!open.is_empty());
                        open.push((connection, range.start));
                    }
                }
                3 => scheduler.measure(at(time)),
                4..11 => {
                    let chosen = usize::try_from(random(16)).unwrap();
                    let Some(response) = open.get_mut(chosen) else { continue };
                    scheduler.record_answer(response.0, at(time));
                    let bytes = usize::try_from(random(400_000)).unwrap();
                    let (closed, extensions) =
                        receive(&mut scheduler, response, bytes, at(time), &mut here, &mut random);
                    extended += extensions;
                    open.retain(|(connection, _)| !closed.contains(connection));
                }
                _ => {
                    failures -= 1;
                    if let Some((connection, _)) = open.pop() {
                        scheduler.end(connection);
                    }
                }
            }
        }
        assert!(here.iter().all(|times| *times == 1));
        assert_eq!(scheduler.received(), whole - (known.end - known.start));
    }
    assert!(taken_over > 50 && extended > 0, "{taken_over} {extended}");
}
