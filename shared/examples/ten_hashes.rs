//! Hashes one set of recovery codes, as Create does for RECOVERY_CODES: `tests/run cost` counts its instructions.

use shared::recovery_codes::{CODE_BYTES, CODES, CodeSet, RecoveryCode};

fn main() {
    let codes: [RecoveryCode; CODES] = std::array::from_fn(|_| RecoveryCode::new([0xc5; CODE_BYTES]));
    let set = CodeSet::new(&codes, [0xa1; 16]);
    assert!(set.left() == CODES, "ten");
}
