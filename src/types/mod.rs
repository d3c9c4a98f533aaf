//! What the server sends and takes.
//!
//! Where a command prints everything the server knows, the answer stays an [`Attributes`] map: the server decides
//! what is in it and in which order.

mod account;
mod did;
mod opendata;
pub(crate) mod python;
mod replica;
mod rse;
mod rule;
mod subscription;
mod upload;
mod validation;

pub use account::{AccountRow, GlobalLimit, GlobalUsage, Identity, LocalUsage, NewIdentity, ScopeOwner};
pub use did::{CollectionContent, CollectionType, Did, FileEntry, FileMetadata, FoundDid, Metadata, ScopeConvention};
pub use opendata::{OpenData, OpenDataList};
pub use replica::{ClientLocation, DatasetAtRse, DatasetReplica, Pfn, Replica, ReplicaEntry, SuspiciousReplica};
pub use rse::{RseProtocol, RseSettings, RseUsage};
pub use rule::{DatasetLock, NewRule, RuleAnalysis, RuleEvent, RuleRow, TransferAnalysis};
pub use subscription::SubscriptionOptions;
pub use upload::{DatasetRule, KnownFile, NewMetadata, NewReplica};
pub use validation::Validation;

/// An object of the server with all its fields, in the server's order.
pub type Attributes = serde_json::Map<String, serde_json::Value>;
