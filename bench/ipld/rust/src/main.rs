//! serde_ipld_dagcbor on the inputs that ipld_bench has written: `rival-dagcbor DIR SECONDS` prints, for every .cbor
//! file in DIR, "serde_ipld_dagcbor OPERATION NAME MEGABYTES_PER_SECOND".
use ipld_core::ipld::Ipld;
use std::hint::black_box;
use std::time::Instant;

/// The best of five stretches: the one that was disturbed least.
fn megabytes_per_second(bytes: usize, seconds: f64, mut work: impl FnMut()) -> f64 {
    let mut best = 0.0f64;
    for _ in 0..5 {
        let start = Instant::now();
        let mut rounds = 0u64;
        while start.elapsed().as_secs_f64() < seconds / 5.0 {
            work();
            rounds += 1;
        }
        best = best.max(rounds as f64 * bytes as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    best
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds: f64 = arguments[2].parse().expect("seconds");
    let mut paths: Vec<_> = std::fs::read_dir(&arguments[1]).expect("a folder").map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "cbor")) {
        let name = path.file_stem().unwrap().to_string_lossy();
        let bytes = std::fs::read(path).expect("a file");
        let value: Ipld = serde_ipld_dagcbor::from_slice(&bytes).expect("DAG-CBOR");
        assert_eq!(serde_ipld_dagcbor::to_vec(&value).expect("encodes"), bytes);
        let decode = megabytes_per_second(bytes.len(), seconds, || {
            black_box(serde_ipld_dagcbor::from_slice::<Ipld>(black_box(&bytes)).unwrap());
        });
        let encode = megabytes_per_second(bytes.len(), seconds, || {
            black_box(serde_ipld_dagcbor::to_vec(black_box(&value)).unwrap());
        });
        println!("serde_ipld_dagcbor decode {name} {decode:.1}");
        println!("serde_ipld_dagcbor encode {name} {encode:.1}");
    }
}
