// Written by `npm run codegen` from schema/schema.graphql and src/queries/. Never edit it.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import { fetchGraphQL } from "../api/fetcher";
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
import { useQuery, type UseQueryOptions } from '@tanstack/react-query';
/** The reason for a run's status, where the status alone does not explain it. */
export type RunReason =
  | 'HELD'
  | 'BLOCKED_BY_UNKNOWN_STAGE'
  | 'NEEDS_ATTENTION'
  | 'CRASHED'
  | 'ARCHIVED'
  | 'MERGED'
  | 'NOT_FOUND'
  | 'NOT_SELECTED';

/** The status of a run, and of the deal it belongs to. */
export type RunStatus =
  | 'QUEUED'
  | 'RUNNING'
  | 'RETRYING'
  | 'DONE'
  | 'FAILED'
  | 'CANCELLED'
  | 'SKIPPED';

/** What started a run. */
export type RunTrigger =
  | 'NEW'
  | 'RETRY'
  | 'MANUAL'
  | 'CHANGED'
  | 'RECHECK';

/** The status of one stage of a run; PENDING has not begun. */
export type StepStatus =
  | 'PENDING'
  | 'RUNNING'
  | 'DONE'
  | 'FAILED'
  | 'SKIPPED'
  | 'CANCELLED';

export type DetailStepFragment = { stage: string, label: string, status: StepStatus, startedAt: string | null, endedAt: string | null, attempts: number, isCarriedOver: boolean, carriedOverFrom: number | null, output: unknown, error: { type: string, message: string } | null };

export type DetailRunFragment = { id: string, number: number, trigger: RunTrigger, status: RunStatus, reason: RunReason | null, createdAt: string, startedAt: string | null, endedAt: string | null, nextAttemptAt: string | null, waitsFor: string | null, steps: Array<DetailStepFragment> };

export type DealDetailQueryVariables = Exact<{
  id: string;
}>;


export type DealDetailQuery = { deal: (
    { hubspotPipeline: string | null, hubspotStage: string | null, hubspotStageLabel: string | null, closeDate: string | null, runs: Array<DetailRunFragment> }
    & QueueDealFragment
  ) | null };

export type QueueDealFragment = { id: string, hubspotDealId: string, name: string | null, amount: string | null, currency: string | null, ownerName: string | null, status: RunStatus, reason: RunReason | null, waitsFor: string | null, currentStage: string | null, createdAt: string, updatedAt: string, steps: Array<{ stage: string, label: string, status: StepStatus, startedAt: string | null, endedAt: string | null, attempts: number }> };

export type DealQueueQueryVariables = Exact<{
  limit: number;
}>;


export type DealQueueQuery = { dealQueue: { nextBefore: string | null, items: Array<QueueDealFragment> } };

export type PipelineQueryVariables = Exact<{ [key: string]: never; }>;


export type PipelineQuery = { pipeline: Array<{ key: string, label: string }> };

export type SyncRejectsQueryVariables = Exact<{ [key: string]: never; }>;


export type SyncRejectsQuery = { syncRejects: { items: Array<{ id: string, error: string }> } };

export type SyncStatusQueryVariables = Exact<{ [key: string]: never; }>;


export type SyncStatusQuery = { syncStatus: { lastSyncAt: string | null, lastError: string | null, backfilled: boolean, backlog: number | null, heldDeals: number, rejectedRecords: number, callsLeftToday: number | null, intervalSeconds: number, accessWaits: Array<{ waitsFor: string, runs: number }>, stoppedProcesses: Array<{ process: string, host: string, reason: string }> } };


export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const DetailStepFragmentDoc = new TypedDocumentString(`
    fragment DetailStep on Step {
  stage
  label
  status
  startedAt
  endedAt
  attempts
  isCarriedOver
  carriedOverFrom
  output
  error {
    type
    message
  }
}
    `, {"fragmentName":"DetailStep"});
export const DetailRunFragmentDoc = new TypedDocumentString(`
    fragment DetailRun on Run {
  id
  number
  trigger
  status
  reason
  createdAt
  startedAt
  endedAt
  nextAttemptAt
  waitsFor
  steps {
    ...DetailStep
  }
}
    fragment DetailStep on Step {
  stage
  label
  status
  startedAt
  endedAt
  attempts
  isCarriedOver
  carriedOverFrom
  output
  error {
    type
    message
  }
}`, {"fragmentName":"DetailRun"});
export const QueueDealFragmentDoc = new TypedDocumentString(`
    fragment QueueDeal on Deal {
  id
  hubspotDealId
  name
  amount
  currency
  ownerName
  status
  reason
  waitsFor
  currentStage
  createdAt
  updatedAt
  steps {
    stage
    label
    status
    startedAt
    endedAt
    attempts
  }
}
    `, {"fragmentName":"QueueDeal"});
export const DealDetailDocument = new TypedDocumentString(`
    query DealDetail($id: ID!) {
  deal(id: $id) {
    ...QueueDeal
    hubspotPipeline
    hubspotStage
    hubspotStageLabel
    closeDate
    runs {
      ...DetailRun
    }
  }
}
    fragment DetailStep on Step {
  stage
  label
  status
  startedAt
  endedAt
  attempts
  isCarriedOver
  carriedOverFrom
  output
  error {
    type
    message
  }
}
fragment DetailRun on Run {
  id
  number
  trigger
  status
  reason
  createdAt
  startedAt
  endedAt
  nextAttemptAt
  waitsFor
  steps {
    ...DetailStep
  }
}
fragment QueueDeal on Deal {
  id
  hubspotDealId
  name
  amount
  currency
  ownerName
  status
  reason
  waitsFor
  currentStage
  createdAt
  updatedAt
  steps {
    stage
    label
    status
    startedAt
    endedAt
    attempts
  }
}`);

export const useDealDetailQuery = <
      TData = DealDetailQuery,
      TError = Error
    >(
      variables: DealDetailQueryVariables,
      options?: Omit<UseQueryOptions<DealDetailQuery, TError, TData>, 'queryKey'> & { queryKey?: UseQueryOptions<DealDetailQuery, TError, TData>['queryKey'] }
    ) => {
    
    return useQuery<DealDetailQuery, TError, TData>(
      {
    queryKey: ['DealDetail', variables],
    queryFn: fetchGraphQL<DealDetailQuery, DealDetailQueryVariables>(DealDetailDocument, variables),
    ...options
  }
    )};

useDealDetailQuery.getKey = (variables: DealDetailQueryVariables) => ['DealDetail', variables];

export const DealQueueDocument = new TypedDocumentString(`
    query DealQueue($limit: Int!) {
  dealQueue(limit: $limit) {
    items {
      ...QueueDeal
    }
    nextBefore
  }
}
    fragment QueueDeal on Deal {
  id
  hubspotDealId
  name
  amount
  currency
  ownerName
  status
  reason
  waitsFor
  currentStage
  createdAt
  updatedAt
  steps {
    stage
    label
    status
    startedAt
    endedAt
    attempts
  }
}`);

export const useDealQueueQuery = <
      TData = DealQueueQuery,
      TError = Error
    >(
      variables: DealQueueQueryVariables,
      options?: Omit<UseQueryOptions<DealQueueQuery, TError, TData>, 'queryKey'> & { queryKey?: UseQueryOptions<DealQueueQuery, TError, TData>['queryKey'] }
    ) => {
    
    return useQuery<DealQueueQuery, TError, TData>(
      {
    queryKey: ['DealQueue', variables],
    queryFn: fetchGraphQL<DealQueueQuery, DealQueueQueryVariables>(DealQueueDocument, variables),
    ...options
  }
    )};

useDealQueueQuery.getKey = (variables: DealQueueQueryVariables) => ['DealQueue', variables];

export const PipelineDocument = new TypedDocumentString(`
    query Pipeline {
  pipeline {
    key
    label
  }
}
    `);

export const usePipelineQuery = <
      TData = PipelineQuery,
      TError = Error
    >(
      variables?: PipelineQueryVariables,
      options?: Omit<UseQueryOptions<PipelineQuery, TError, TData>, 'queryKey'> & { queryKey?: UseQueryOptions<PipelineQuery, TError, TData>['queryKey'] }
    ) => {
    
    return useQuery<PipelineQuery, TError, TData>(
      {
    queryKey: variables === undefined ? ['Pipeline'] : ['Pipeline', variables],
    queryFn: fetchGraphQL<PipelineQuery, PipelineQueryVariables>(PipelineDocument, variables),
    ...options
  }
    )};

usePipelineQuery.getKey = (variables?: PipelineQueryVariables) => variables === undefined ? ['Pipeline'] : ['Pipeline', variables];

export const SyncRejectsDocument = new TypedDocumentString(`
    query SyncRejects {
  syncRejects(limit: 5) {
    items {
      id
      error
    }
  }
}
    `);

export const useSyncRejectsQuery = <
      TData = SyncRejectsQuery,
      TError = Error
    >(
      variables?: SyncRejectsQueryVariables,
      options?: Omit<UseQueryOptions<SyncRejectsQuery, TError, TData>, 'queryKey'> & { queryKey?: UseQueryOptions<SyncRejectsQuery, TError, TData>['queryKey'] }
    ) => {
    
    return useQuery<SyncRejectsQuery, TError, TData>(
      {
    queryKey: variables === undefined ? ['SyncRejects'] : ['SyncRejects', variables],
    queryFn: fetchGraphQL<SyncRejectsQuery, SyncRejectsQueryVariables>(SyncRejectsDocument, variables),
    ...options
  }
    )};

useSyncRejectsQuery.getKey = (variables?: SyncRejectsQueryVariables) => variables === undefined ? ['SyncRejects'] : ['SyncRejects', variables];

export const SyncStatusDocument = new TypedDocumentString(`
    query SyncStatus {
  syncStatus {
    lastSyncAt
    lastError
    backfilled
    backlog
    heldDeals
    rejectedRecords
    callsLeftToday
    intervalSeconds
    accessWaits {
      waitsFor
      runs
    }
    stoppedProcesses {
      process
      host
      reason
    }
  }
}
    `);

export const useSyncStatusQuery = <
      TData = SyncStatusQuery,
      TError = Error
    >(
      variables?: SyncStatusQueryVariables,
      options?: Omit<UseQueryOptions<SyncStatusQuery, TError, TData>, 'queryKey'> & { queryKey?: UseQueryOptions<SyncStatusQuery, TError, TData>['queryKey'] }
    ) => {
    
    return useQuery<SyncStatusQuery, TError, TData>(
      {
    queryKey: variables === undefined ? ['SyncStatus'] : ['SyncStatus', variables],
    queryFn: fetchGraphQL<SyncStatusQuery, SyncStatusQueryVariables>(SyncStatusDocument, variables),
    ...options
  }
    )};

useSyncStatusQuery.getKey = (variables?: SyncStatusQueryVariables) => variables === undefined ? ['SyncStatus'] : ['SyncStatus', variables];
