import { useSyncRejectsQuery } from "../gql/generated";

/** The records of HubSpot that cannot be read: which deals they are, and what about them. */
export function RejectedRecords({ count }: { count: number }) {
  const { data } = useSyncRejectsQuery(undefined, {
    enabled: count > 0,
    // Another number of records is another list.
    queryKey: [...useSyncRejectsQuery.getKey(), count],
  });
  if (count === 0) return null;
  const shown = data?.syncRejects.items ?? [];
  return (
    <>
      <p className="problem">
        {`${count.toLocaleString()} record${count === 1 ? "" : "s"} could not be read; each sync retries.`}
      </p>
      <ul>
        {shown.map((record) => (
          <li key={record.id}>{record.error}</li>
        ))}
      </ul>
    </>
  );
}
