// misuse: E0423
//! Features are those that have a name: others need operations that a device does not have.
#![forbid(unsafe_code)]

use abstractions::net::{
    features::Features,
    link::SetupDevice, //
};

pub fn setup(dev: &mut SetupDevice<'_>) {
    let features = Features::SG;
    // NETIF_F_HW_L2FW_DOFFLOAD
    #[cfg(misuse)]
    let features = Features(1 << 49);
    dev.set_features(features, features, features);
}
