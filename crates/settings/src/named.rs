//! Which variable is which setting, and what holds where it is not set?

use std::{ops::RangeInclusive, time::Duration};

use hooks::deliver::DeliveryLog;

use crate::{Environment, Networks, Signature, Switch, Wrong};

/// How many seconds an attempt may take in all.
pub const TIMEOUT: RangeInclusive<u16> = 1..=60;
/// Where nothing else is set.
pub const DEFAULT_TIMEOUT: u16 = 15;

/// For how many days deliveries may be kept: up to a hundred years.
pub const RETENTION_DAYS: RangeInclusive<u16> = 1..=36_500;
/// Where nothing else is set.
pub const DEFAULT_RETENTION_DAYS: u16 = 30;

impl Environment {
    /// The algorithm of `x-kong-signature`.
    pub fn signature(&self) -> Result<Signature, Wrong> {
        self.word("EVENT_HOOKS_SIGNATURE", Signature::Sha1)
    }

    /// Do new hooks check their receiver's certificate, where they do not say?
    pub fn ssl_verify_default(&self) -> Result<bool, Wrong> {
        self.word("EVENT_HOOKS_SSL_VERIFY_DEFAULT", false)
    }

    /// What hooks may call beside public addresses: on AWS nothing, where nothing is set.
    pub fn egress_allow(&self) -> Result<Networks, Wrong> {
        self.networks("EVENT_HOOKS_EGRESS_ALLOW")
    }

    /// Which deliveries are kept.
    pub fn delivery_log(&self) -> Result<DeliveryLog, Wrong> {
        self.word("EVENT_HOOKS_DELIVERY_LOG", DeliveryLog::All)
    }

    /// For how long they are kept.
    pub fn retention(&self) -> Result<Duration, Wrong> {
        let name = "EVENT_HOOKS_RETENTION_DAYS";
        let days = self.number(name, RETENTION_DAYS, DEFAULT_RETENTION_DAYS)?;
        Ok(Duration::from_hours(24) * u32::from(days))
    }

    /// How long an attempt may take in all.
    pub fn timeout(&self) -> Result<Duration, Wrong> {
        let seconds = self.number("EVENT_HOOKS_TIMEOUT", TIMEOUT, DEFAULT_TIMEOUT)?;
        Ok(Duration::from_secs(seconds.into()))
    }

    /// May Lua make requests?
    pub fn lua_http(&self) -> Result<Switch, Wrong> {
        self.word("EVENT_HOOKS_LUA_HTTP", Switch::Off)
    }
}
