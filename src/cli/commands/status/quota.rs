//! A storage limit of the account.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;

use crate::cli::commands::account::limit::bytes;
use crate::cli::context::Context;
use crate::cli::ui::values::Num;
use crate::types::{GlobalUsage, LocalUsage};

/// A limit at one RSE (`local`) or for all RSEs of an expression together (`global`), with the server's values.
#[derive(Debug, Serialize)]
pub(super) struct Quota {
    locality: &'static str,
    rse_expression: String,
    bytes: Value,
    bytes_limit: Value,
    bytes_remaining: Value,
}

impl From<LocalUsage> for Quota {
    fn from(usage: LocalUsage) -> Self {
        let LocalUsage { rse, bytes, bytes_limit, bytes_remaining } = usage;
        Self { locality: "local", rse_expression: rse, bytes, bytes_limit, bytes_remaining }
    }
}

impl From<GlobalUsage> for Quota {
    fn from(usage: GlobalUsage) -> Self {
        let GlobalUsage { rse_expression, bytes, bytes_limit, bytes_remaining } = usage;
        Self { locality: "global", rse_expression, bytes, bytes_limit, bytes_remaining }
    }
}

impl Quota {
    /// Orders by space left, then by name; unlimited ones last.
    pub(super) fn by_space_left(&self, other: &Self) -> Ordering {
        let left = |quota: &Self| match bytes(&quota.bytes_remaining) {
            Some(Num::Int(left)) => left as f64,
            Some(Num::Float(left)) => left,
            None => f64::INFINITY,
        };
        left(self).total_cmp(&left(other)).then_with(|| self.rse_expression.cmp(&other.rse_expression))
    }

    /// Returns the row of the table: RSE expression, used, limit, left.
    pub(super) fn cells(&self, context: &Context) -> [String; 4] {
        let size = |value: &Value| context.size(bytes(value));
        let left = match bytes(&self.bytes_remaining) {
            Some(Num::Int(left)) => Some(Num::Int(left.max(0))),
            Some(Num::Float(left)) => Some(Num::Float(left.max(0.0))),
            None => None,
        };
        [self.rse_expression.clone(), size(&self.bytes), size(&self.bytes_limit), context.size(left)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotas_with_the_least_space_left_come_first() {
        let quota = |name: &str, left: Value| Quota {
            locality: "local",
            rse_expression: name.to_owned(),
            bytes: 1.into(),
            bytes_limit: 2.into(),
            bytes_remaining: left,
        };
        let mut quotas =
            [quota("free", json!("inf")), quota("b", json!(10)), quota("a", json!(10)), quota("full", json!(-5))];
        quotas.sort_by(Quota::by_space_left);
        assert_eq!(quotas.map(|quota| quota.rse_expression), ["full", "a", "b", "free"]);
    }
}
