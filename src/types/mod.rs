//! Request and response types of the REST API, without the calls ([`crate::api`]).
//!
//! If a command prints all fields of a response, its type is an [`Attributes`] map: the server determines the fields
//! and their order.

mod account;
mod did;
mod opendata;
pub(crate) mod python;
mod replica;
mod rse;
mod rule;
mod scope_convention;
mod subscription;
mod upload;
mod validation;

pub use account::{AccountRow, GlobalLimit, GlobalUsage, Identity, LocalUsage, NewIdentity, ScopeOwner};
pub use did::{CollectionContent, CollectionType, Did, FileEntry, FileMetadata, FoundDid, Metadata};
pub use opendata::{OpenData, OpenDataList};
pub use replica::{DatasetAtRse, DatasetReplica, Replica, ReplicaAttributes, ReplicaEntry, SuspiciousReplica};
pub use rse::{RseProtocol, RseSettings, RseUsage, implementation_class};
pub use rule::{DatasetLock, NewRule, RuleAnalysis, RuleEvent, RuleRow, TransferAnalysis};
pub use scope_convention::ScopeConvention;
pub use subscription::{Subscription, SubscriptionOptions};
pub use upload::{DatasetRule, KnownFile, NewMetadata, NewReplica};
pub use validation::Validation;

/// A JSON object with all its fields, in the server's order.
pub type Attributes = serde_json::Map<String, serde_json::Value>;
