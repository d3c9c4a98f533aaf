//! Rucio's exception classes, as data: a server names the class in every error response, and the class determines the
//! exit code of a command.
//!
//! Source: `rucio/common/exception.py` of Rucio 41.5.1: class names, error codes, and the phrases that messages begin with.

/// An exception class. The discriminant is Rucio's error code, which is also the exit code of the legacy and admin
/// commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "PHRASES says what each class means")]
pub enum Exception {
    RucioException = 1,
    AccessDenied,
    AccountNotFound,
    CannotAuthenticate,
    ClientParameterMismatch,
    ClientProtocolNotSupported,
    ConfigNotFound,
    ConfigurationError,
    CounterNotFound,
    DatabaseException,
    DataIdentifierAlreadyExists,
    DataIdentifierNotFound,
    DestinationNotAccessible,
    Duplicate,
    DuplicateContent,
    DuplicateRule,
    ErrorLoadingCredentials,
    FileAlreadyExists,
    FileConsistencyMismatch,
    FileReplicaAlreadyExists,
    ReplicaNotFound,
    ReplicaUnAvailable,
    FullStorage,
    IdentityError,
    IdentityNotFound,
    InputValidationError,
    InsufficientAccountLimit,
    InsufficientTargetRSEs,
    InvalidMetadata,
    InvalidObject,
    InvalidReplicationRule,
    InvalidRSEExpression,
    InvalidRuleWeight,
    InvalidType,
    InvalidValueForKey,
    InvalidRequest,
    InvalidPath,
    KeyNotFound,
    LifetimeExceptionDuplicate,
    LifetimeExceptionNotFound,
    ManualRuleApprovalBlocked,
    MissingClientParameter,
    MissingDependency,
    MissingSourceReplica,
    NameTypeError,
    NoAuthInformation,
    ReplicationRuleCreationTemporaryFailed,
    RequestNotFound,
    RSEAccessDenied,
    RSEWriteBlocked,
    RSENotConnected,
    RSENotFound,
    RSEProtocolNotSupported,
    RSEProtocolPriorityError,
    RSEProtocolDomainNotSupported,
    RSEOperationNotSupported,
    RSEFileNameNotSupported,
    RSEOverQuota,
    ResourceTemporaryUnavailable,
    RuleNotFound,
    RuleReplaceFailed,
    ScratchDiskLifetimeConflict,
    ServiceUnavailable,
    ScopeAccessDenied,
    ScopeNotFound,
    SourceAccessDenied,
    SourceNotFound,
    StagingAreaRuleRequiresLifetime,
    SubscriptionDuplicate,
    SubscriptionNotFound,
    UnsupportedDIDType,
    UnsupportedOperation,
    UnsupportedStatus,
    UnsupportedValueType,
    NoFilesDownloaded,
    NotAllFilesDownloaded,
    MissingModuleException,
    ServerConnectionException,
    NoFilesUploaded,
    NotAllFilesUploaded,
    RSEChecksumUnavailable,
    UndefinedPolicy,
    TransferToolTimeout,
    TransferToolWrongAnswer,
    RSEAttributeNotFound,
    UnsupportedKeyType,
    MetalinkJsonParsingError,
    ReplicaIsLocked,
    UnsupportedRequestedContentType,
    DuplicateFileTransferSubmission,
    DIDError,
    NoDistance,
    PolicyPackageNotFound,
    CannotAuthorize,
    SubscriptionWrongParameter,
    VONotFound,
    UnsupportedAccountName,
    DuplicateCriteriaInDIDFilter,
    DIDFilterSyntaxError,
    InvalidAlgorithmName,
    FilterEngineGenericError,
    MetadataSchemaMismatchError,
    PolicyPackageVersionError,
    InvalidSourceReplicaExpression,
    DeprecationError,
    SortingAlgorithmNotSupported,
    ErrorLoadingPolicyPackage,
    TraceValidationSchemaNotFound,
    PolicyPackageIsNotVersioned,
    UnsupportedMetadataPlugin,
    ChecksumCalculationError,
    ConfigLoadingError,
    ClientProtocolNotFound,
    ConnectionParameterNotFound,
    OpenDataError,
    OpenDataDataIdentifierNotFound,
    OpenDataDataIdentifierAlreadyExists,
    OpenDataInvalidState,
    OpenDataInvalidStateUpdate,
    InvalidPolicyPackageAlgorithmType,
    InvalidAccountType,
    OpenDataDuplicateDOI,
    OpenDataDuplicateRecordID,
}

/// All classes in the order of their codes, each with the phrase that its messages begin with: scripts search for them, so
/// they are those of the official client. The first line of an error's details replaces the `{}` in some of them.
const PHRASES: [(Exception, &str); 123] = [
    (Exception::RucioException, "An unknown exception occurred."),
    (Exception::AccessDenied, "Access to the requested resource denied."),
    (Exception::AccountNotFound, "Account does not exist."),
    (Exception::CannotAuthenticate, "Cannot authenticate."),
    (Exception::ClientParameterMismatch, "Client parameters don't match."),
    (Exception::ClientProtocolNotSupported, "Client protocol {}"),
    (Exception::ConfigNotFound, "Configuration not found."),
    (Exception::ConfigurationError, "Error during configuration."),
    (Exception::CounterNotFound, "The requested counter does not exist."),
    (Exception::DatabaseException, "Database exception."),
    (Exception::DataIdentifierAlreadyExists, "Data Identifier Already Exists."),
    (Exception::DataIdentifierNotFound, "Data identifier not found."),
    (Exception::DestinationNotAccessible, "Access to local destination denied."),
    (Exception::Duplicate, "An object with the same identifier already exists."),
    (Exception::DuplicateContent, "Data identifier already added to the destination content."),
    (Exception::DuplicateRule, "A duplicate rule for this account, did, rse_expression, copies already exists."),
    (Exception::ErrorLoadingCredentials, "Unable to to load user credentials."),
    (Exception::FileAlreadyExists, "The file already exists."),
    (Exception::FileConsistencyMismatch, "Error related to file consistency."),
    (Exception::FileReplicaAlreadyExists, "File name in specified scope already exists"),
    (Exception::ReplicaNotFound, "Replica not found"),
    (Exception::ReplicaUnAvailable, "Replica unavailable"),
    (Exception::FullStorage, "The Referenced storage is out of disk space."),
    (Exception::IdentityError, "Identity error."),
    (Exception::IdentityNotFound, "This identity does not exist."),
    (Exception::InputValidationError, "There is an error with one of the input parameters."),
    (Exception::InsufficientAccountLimit, "There is not enough quota left to fulfil the operation."),
    (Exception::InsufficientTargetRSEs, "There are not enough target RSEs to fulfil the request at this time."),
    (Exception::InvalidMetadata, "Provided metadata is considered invalid."),
    (Exception::InvalidObject, "Provided object does not match schema."),
    (Exception::InvalidReplicationRule, "Provided replication rule is considered invalid."),
    (Exception::InvalidRSEExpression, "Provided RSE expression is considered invalid."),
    (Exception::InvalidRuleWeight, "An invalid weight value/type is used for an RSE."),
    (Exception::InvalidType, "Provided type is considered invalid."),
    (Exception::InvalidValueForKey, "Invalid value for the key."),
    (Exception::InvalidRequest, "Request is considered invalid."),
    (Exception::InvalidPath, "The path provided is invalid."),
    (Exception::KeyNotFound, "Key does not exist."),
    (Exception::LifetimeExceptionDuplicate, "An exception already exists."),
    (Exception::LifetimeExceptionNotFound, "Exception does not exist."),
    (Exception::ManualRuleApprovalBlocked, "Manual rule approval is blocked on this RSE."),
    (Exception::MissingClientParameter, "Client parameters are missing."),
    (Exception::MissingDependency, "One dependency is missing."),
    (Exception::MissingSourceReplica, "Source replicas are missing to fulfil the request at this moment."),
    (Exception::NameTypeError, "Name is of the wrong type"),
    (Exception::NoAuthInformation, "No authentication information passed."),
    (
        Exception::ReplicationRuleCreationTemporaryFailed,
        "The creation of the replication rule failed at this time. Please try again later.",
    ),
    (Exception::RequestNotFound, "A request for this DID and RSE does not exist."),
    (Exception::RSEAccessDenied, "Referenced RSE not reachable."),
    (Exception::RSEWriteBlocked, "RSE excluded; not available for writing."),
    (Exception::RSENotConnected, "Connection to RSE not established."),
    (Exception::RSENotFound, "RSE does not exist."),
    (Exception::RSEProtocolNotSupported, "RSE does not support requested protocol."),
    (Exception::RSEProtocolPriorityError, "RSE does not support provided protocol priority for protocol."),
    (Exception::RSEProtocolDomainNotSupported, "RSE does not support requested protocol scope."),
    (Exception::RSEOperationNotSupported, "RSE does not support requested operation."),
    (Exception::RSEFileNameNotSupported, "RSE does not support provided filename."),
    (Exception::RSEOverQuota, "Quota of Referenced RSE is exceeded."),
    (Exception::ResourceTemporaryUnavailable, "The resource is temporary not available."),
    (Exception::RuleNotFound, "No replication rule found."),
    (Exception::RuleReplaceFailed, "The replace operation for the rule failed."),
    (
        Exception::ScratchDiskLifetimeConflict,
        "The requested replication rule exceeds the maximum SCRATCHDISK lifetime of 15 days.",
    ),
    (Exception::ServiceUnavailable, "The requested service is not available at the moment."),
    (Exception::ScopeAccessDenied, "Access to Referenced scope denied."),
    (Exception::ScopeNotFound, "Scope does not exist."),
    (Exception::SourceAccessDenied, "Access to local source file denied."),
    (Exception::SourceNotFound, "Source file not found."),
    (Exception::StagingAreaRuleRequiresLifetime, "A rule involving a staging area requires a lifetime!"),
    (Exception::SubscriptionDuplicate, "A subscription with the same identifier already exists."),
    (Exception::SubscriptionNotFound, "Subscription not found."),
    (Exception::UnsupportedDIDType, "Unsupported DID type for this operation. Only DATASET or FILE is allowed."),
    (Exception::UnsupportedOperation, "The resource doesn't support the requested operation."),
    (Exception::UnsupportedStatus, "Unsupported data identifier status."),
    (
        Exception::UnsupportedValueType,
        "Unsupported type for the value. List of supported types: (<class 'float'>, <class 'int'>, <class 'str'>).",
    ),
    (Exception::NoFilesDownloaded, "None of the requested files have been downloaded."),
    (Exception::NotAllFilesDownloaded, "Not all of the requested files have been downloaded."),
    (Exception::MissingModuleException, "The module is not installed."),
    (Exception::ServerConnectionException, "Cannot connect to the Rucio server."),
    (Exception::NoFilesUploaded, "None of the given files have been uploaded."),
    (Exception::NotAllFilesUploaded, "Not all of the given files have been uploaded."),
    (Exception::RSEChecksumUnavailable, "RSE checksum unavailable."),
    (Exception::UndefinedPolicy, "No policy is defined."),
    (Exception::TransferToolTimeout, "Timeout from the transfer tool."),
    (Exception::TransferToolWrongAnswer, "Wrong answer returned by the transfer tool."),
    (Exception::RSEAttributeNotFound, "RSE attribute not found."),
    (Exception::UnsupportedKeyType, "Unsupported type for the key."),
    (Exception::MetalinkJsonParsingError, "Failed parsing of {}"),
    (Exception::ReplicaIsLocked, "Replica is locked"),
    (Exception::UnsupportedRequestedContentType, "The requested content type is not supported."),
    (Exception::DuplicateFileTransferSubmission, "One or more files are already submitted to the transfer tool"),
    (Exception::DIDError, "Error using DID type"),
    (Exception::NoDistance, "Cannot found a distance between 2 RSEs"),
    (Exception::PolicyPackageNotFound, "The specified policy package {} was not found"),
    (Exception::CannotAuthorize, "Can not authorize operation."),
    (Exception::SubscriptionWrongParameter, "Subscription wrong parameters"),
    (Exception::VONotFound, "The requested VO does not exist"),
    (Exception::UnsupportedAccountName, "The requested account name cannot be used"),
    (Exception::DuplicateCriteriaInDIDFilter, "Duplicate criteria for key/operator in filter expression: {}"),
    (Exception::DIDFilterSyntaxError, "Syntax error in filter expression."),
    (Exception::InvalidAlgorithmName, "An unknown exception occurred."),
    (Exception::FilterEngineGenericError, "Generic filter engine error."),
    (Exception::MetadataSchemaMismatchError, "The external table does not match the expected table schema."),
    (Exception::PolicyPackageVersionError, "Policy package {} is not compatible with this Rucio version."),
    (Exception::InvalidSourceReplicaExpression, "Provided Source Replica expression is considered invalid."),
    (Exception::DeprecationError, "Command or function has been deprecated."),
    (Exception::SortingAlgorithmNotSupported, "Sorting algorithm is not supported."),
    (Exception::ErrorLoadingPolicyPackage, "An error occurred while loading the policy package {}"),
    (Exception::TraceValidationSchemaNotFound, "Trace validation schema not found."),
    (
        Exception::PolicyPackageIsNotVersioned,
        "Policy package {} does not include information about which Rucio versions it supports.",
    ),
    (Exception::UnsupportedMetadataPlugin, "The requested metadata plugin is not enabled on the server."),
    (Exception::ChecksumCalculationError, "An error occurred while calculating the {}"),
    (
        Exception::ConfigLoadingError,
        "Could not load Rucio configuration file. Rucio tried loading the following configuration file:\n\t {}",
    ),
    (Exception::ClientProtocolNotFound, "Client protocol missing when connecting to host {}"),
    (Exception::ConnectionParameterNotFound, "Required connection parameter '{}' is not provided."),
    (Exception::OpenDataError, "Error related to open data."),
    (Exception::OpenDataDataIdentifierNotFound, "Data identifier not found in the open data catalog."),
    (Exception::OpenDataDataIdentifierAlreadyExists, "Data identifier already exists in the open data catalog."),
    (Exception::OpenDataInvalidState, "Open data entry is in an invalid state."),
    (Exception::OpenDataInvalidStateUpdate, "Invalid state update attempted on open data entry."),
    (Exception::InvalidPolicyPackageAlgorithmType, "Invalid policy package algorithm type '{}'."),
    (Exception::InvalidAccountType, "Cannot create an account with an invalid type."),
    (
        Exception::OpenDataDuplicateDOI,
        "Data identifier with the same DOI ({}) already exists in the open data catalog.",
    ),
    (
        Exception::OpenDataDuplicateRecordID,
        "Data identifier with the same Record ID ({}) already exists in the open data catalog.",
    ),
];

impl Exception {
    /// Returns the class with this name, as the server writes it (`DataIdentifierNotFound`).
    pub fn by_name(name: &str) -> Option<Self> {
        PHRASES.iter().map(|(class, _)| *class).find(|class| class.name() == name)
    }

    /// Returns the name as the server writes it.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Returns Rucio's error code, 1 to 123: the exit code of the legacy and admin commands.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Returns all classes, in the order of their codes.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        PHRASES.iter().map(|(class, _)| *class)
    }

    /// Returns the phrase that messages of the class begin with, on one line.
    pub fn summary(self) -> String {
        let phrase = PHRASES[usize::from(self.code()) - 1].1.replace("{}", "…");
        phrase.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns the message of an error of this class as the official client logs it: the phrase of the class, then the
    /// details, if there are any, on the next line.
    pub(crate) fn message(self, details: &str) -> String {
        let phrase = PHRASES[usize::from(self.code()) - 1].1;
        let (phrase, details) = if phrase.contains("{}") {
            let (value, rest) = details.split_once('\n').unwrap_or((details, ""));
            (phrase.replace("{}", value), rest)
        } else {
            (phrase.to_owned(), details)
        };
        if details.is_empty() { phrase } else { format!("{phrase}\nDetails: {details}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exception_codes_and_phrases_have_one_order() {
        for (index, (class, phrase)) in PHRASES.iter().enumerate() {
            assert_eq!(usize::from(class.code()), index + 1, "{class:?}");
            assert!(class.message("x").starts_with(&phrase.replace("{}", "x")), "{class:?}");
            assert_eq!(Exception::by_name(&class.name()), Some(*class));
        }
        assert_eq!(Exception::DataIdentifierNotFound.code(), 12);
        assert_eq!(Exception::OpenDataDuplicateRecordID.code(), 123);
        assert_eq!(Exception::by_name("NoSuchClass"), None);
    }

    #[test]
    fn exception_message_has_phrase_and_details() {
        for (class, details, expected) in [
            (Exception::ScopeNotFound, "", "Scope does not exist."),
            (Exception::ScopeNotFound, "no x", "Scope does not exist.\nDetails: no x"),
            (Exception::ConnectionParameterNotFound, "x", "Required connection parameter 'x' is not provided."),
            (
                Exception::PolicyPackageNotFound,
                "x\nnot here",
                "The specified policy package x was not found\nDetails: not here",
            ),
        ] {
            assert_eq!(class.message(details), expected);
        }
    }
}
