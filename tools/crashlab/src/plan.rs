//! The plan file: which back ends, and how much of each.

#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::backend::BackEnd;

/// The plans that are built in, by name.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("quick", include_str!("../plans/quick.toml")),
    ("ci", include_str!("../plans/ci.toml")),
    ("long", include_str!("../plans/long.toml")),
];

macro_rules! back_ends {
    ($($(#[$doc:meta])* $name:ident: $settings:ty,)*) => {
        /// What to run. A back end without a section is left out.
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Plan {
            /// What everything random follows from; without it, another one each time.
            pub seed: Option<u64>,
            /// Threads; by default one a core.
            pub jobs: Option<usize>,
            $($(#[$doc])* pub $name: Option<$settings>,)*
        }

        impl Plan {
            /// The back ends of this plan, in the order in which they run.
            #[must_use]
            pub fn back_ends(&self) -> Vec<&dyn BackEnd> {
                let mut all: Vec<&dyn BackEnd> = Vec::new();
                $(all.extend(self.$name.as_ref().map(|settings| settings as &dyn BackEnd));)*
                all
            }

            /// A plan with every back end as it is by default.
            #[must_use]
            pub fn with_all() -> Plan {
                Plan { seed: None, jobs: None, $($name: Some(<$settings>::default()),)* }
            }
        }
    };
}

back_ends! {
    /// The power fails before every operation of simulated disks.
    simulated: crate::sim::backend::Settings,
    /// Every operation of simulated disks fails.
    operations: crate::sim::backend::Operations,
    /// Bits flip, blocks are zeroed, misplaced and old, on a disk at rest.
    flips: crate::flips::Flips,
    /// `kill -9` of the store under load.
    kill: crate::kill::Settings,
    /// ext4 shut down under the store.
    shutdown_ext4: crate::shutdown::Ext4,
    /// XFS shut down under the store.
    shutdown_xfs: crate::shutdown::Xfs,
    /// The disk filled under the store, and freed.
    fill: crate::fill::Settings,
    /// Clocks that jump under the store.
    clock: crate::clock::Settings,
    /// A second process on the store's directory.
    second_process: crate::second_process::Settings,
    /// Every decoder under fuzz.
    decoders: crate::fuzz::Settings,
    /// Power cuts below ext4: states of a block log.
    blocks_ext4: crate::blocks::Ext4Settings,
    /// The same, below XFS.
    blocks_xfs: crate::blocks::XfsSettings,
    /// Operations of a file system fail: short writes, a full disk, a flush, a page.
    faults: crate::faults::Settings,
    /// A block device's flush fails, once.
    failed_flush: crate::failed_flush::Settings,
    /// The power of a virtual machine is cut.
    machine: crate::machine::Settings,
}

impl Plan {
    /// Reads a plan. The error says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Plan, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The text of the plan called `name`, if it is built in.
    #[must_use]
    pub fn built_in(name: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }
}
