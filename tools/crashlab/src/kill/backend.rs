//! `kill -9` of the store under load, as a back end: which store, and how often.

use std::io;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::kill::server::ServerWorker;
use crate::kill::store::StoreWorker;
use crate::target::Target;

/// How much to kill.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How often.
    pub kills: u64,
    /// Whether Flowstone's whole server is killed, under clients of its API; else its engine, over
    /// the line protocol, as any other store.
    pub server: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { kills: 20, server: true }
    }
}

impl Settings {
    fn is_of_server(&self, lab: &Lab) -> bool {
        self.server && lab.target.is_own()
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "kill"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        if self.is_of_server(lab) {
            let found = crate::server::find_binary();
            found.map(|_| ()).map_err(|error| error.to_string())
        } else {
            Ok(())
        }
    }

    fn goal(&self) -> u64 {
        self.kills
    }

    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        let is_planted =
            matches!(&lab.target, Target::Own { arguments, .. } if !arguments.is_empty());
        if self.is_of_server(lab) && !is_planted {
            Ok(Box::new(ServerWorker::new(lab, job)?))
        } else {
            Ok(Box::new(StoreWorker::new(lab, job)?))
        }
    }
}
