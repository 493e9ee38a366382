import { QueryClient, type UseMutationOptions, type UseQueryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useConnection } from './live/use.ts';

// What changes comes through the live stream; this is for writes under way and the few things that do not change.
// The client is handed over here and not by a provider, so that a first visit to Guests does not wait for it.
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

export const queries: QueryClient = client;
export function useRead<T>(options: UseQueryOptions<T>) {
  const read = useQuery(options, client);
  const { state } = useConnection();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt when the connection is back, not whenever one has failed
  useEffect(() => {
    if (state === 'live' && read.isError) void read.refetch();
  }, [state]);
  return read;
}
export const useWrite = <T, V = void>(options: UseMutationOptions<T, Error, V>) => useMutation(options, client);
