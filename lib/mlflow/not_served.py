"""What of the protocol the studio leaves out, and why. A test fails for an rpc that is neither served nor here."""

from __future__ import annotations

OTHER = "The studio does not serve this part of the protocol."
TRACES = "The studio keeps runs, not traces of language model calls."
REVIEW = "The studio has no labelling and review of language model answers."
DATASETS = "The studio has no evaluation datasets for language models."
GATEWAY = "The studio routes no calls to language model providers."
PROMPTS = "The studio does not optimise prompts."
SPACES = "Workspaces are made and changed on the studio's own pages and API, which ask for a resource group."
STORE = "The studio's store gives no presigned addresses: send and fetch artifacts through the proxy."

NOT_SERVED: dict[str, tuple[str, ...]] = {
    STORE: ("CreatePresignedUploadUrl", "CreatePresignedDownloadUrl", "GetPresignedDownloadUrl"),
    TRACES: (
        "SetTraceTag", "SetTraceTagV3", "DeleteTraceTag", "DeleteTraceTagV3", "StartTrace", "EndTrace", "GetTraceInfo",
        "GetTraceInfoV3", "GetTrace", "BatchGetTraces", "BatchGetTraceInfos", "SearchTraces", "SearchTracesV3",
        "StartTraceV3", "LinkTracesToRun", "LinkPromptsToTrace", "SearchUnifiedTraces", "GetOnlineTraceDetails",
        "DeleteTraces", "DeleteTracesV3", "CalculateTraceFilterCorrelation", "QueryTraceMetrics",
        "GetAssessmentRequest", "CreateAssessment", "UpdateAssessment", "DeleteAssessment",
    ),
    REVIEW: (
        "CreateIssue", "UpdateIssue", "GetIssue", "SearchIssues", "CreateLabelSchema", "GetLabelSchema",
        "GetLabelSchemaByName", "ListLabelSchemas", "UpdateLabelSchema", "DeleteLabelSchema", "CreateReviewQueue",
        "GetOrCreateUserQueue", "GetReviewQueue", "GetReviewQueueByName", "ListReviewQueues", "UpdateReviewQueue",
        "DeleteReviewQueue", "AddItemsToReviewQueue", "RemoveItemsFromReviewQueue", "ListReviewQueueItems",
        "SetReviewQueueItemStatus", "RegisterScorer", "ListScorers", "ListScorerVersions", "GetScorer", "DeleteScorer",
    ),
    DATASETS: (
        "CreateDataset", "GetDataset", "DeleteDataset", "SearchEvaluationDatasets", "SetDatasetTags",
        "DeleteDatasetTag", "UpsertDatasetRecords", "GetDatasetExperimentIds", "GetDatasetRecords",
        "DeleteDatasetRecords", "AddDatasetToExperiments", "RemoveDatasetFromExperiments",
    ),
    GATEWAY: (
        "CreateGatewaySecret", "GetGatewaySecretInfo", "UpdateGatewaySecret", "DeleteGatewaySecret",
        "ListGatewaySecretInfos", "CreateGatewayEndpoint", "GetGatewayEndpoint", "UpdateGatewayEndpoint",
        "DeleteGatewayEndpoint", "ListGatewayEndpoints", "CreateGatewayModelDefinition", "GetGatewayModelDefinition",
        "ListGatewayModelDefinitions", "UpdateGatewayModelDefinition", "DeleteGatewayModelDefinition",
        "AttachModelToGatewayEndpoint", "DetachModelFromGatewayEndpoint", "CreateGatewayEndpointBinding",
        "DeleteGatewayEndpointBinding", "ListGatewayEndpointBindings", "SetGatewayEndpointTag",
        "DeleteGatewayEndpointTag", "CreateGatewayBudgetPolicy", "GetGatewayBudgetPolicy", "UpdateGatewayBudgetPolicy",
        "DeleteGatewayBudgetPolicy", "ListGatewayBudgetPolicies", "ListGatewayBudgetWindows", "CreateGatewayGuardrail",
        "GetGatewayGuardrail", "DeleteGatewayGuardrail", "ListGatewayGuardrails", "AddGuardrailToEndpoint",
        "RemoveGuardrailFromEndpoint", "ListEndpointGuardrailConfigs", "UpdateEndpointGuardrailConfig",
    ),
    PROMPTS: (
        "CreatePromptOptimizationJob", "GetPromptOptimizationJob", "SearchPromptOptimizationJobs",
        "CancelPromptOptimizationJob", "DeletePromptOptimizationJob",
    ),
    SPACES: ("CreateWorkspace", "UpdateWorkspace", "DeleteWorkspace"),
}  # fmt: skip

REASONS = {name: why for why, names in NOT_SERVED.items() for name in names}


def reason(name: str) -> str:
    return REASONS.get(name, OTHER)
