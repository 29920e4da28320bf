// Server state: loaded, kept while it is loaded anew, told plainly when it cannot be had.

import { useCallback, useEffect, useRef, useState } from "react";

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  isLoading: boolean;
  reload: () => void;
}

// Loads when `key` changes; null loads nothing. `load` is the newest given, so it may close over state.
export function useResource<T>(
  key: string | null, load: (signal: AbortSignal) => Promise<T>,
): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data: T | undefined; error: unknown }>(
    { key: null, data: undefined, error: null });
  const [isLoading, setLoading] = useState(key !== null);
  const [round, setRound] = useState(0);
  const loader = useRef(load);
  useEffect(() => { loader.current = load; });

  useEffect(() => {
    if (key === null) return undefined;
    const controller = new AbortController();
    setLoading(true);
    loader.current(controller.signal).then(
      (data) => {
        if (controller.signal.aborted) return;
        setState({ key, data, error: null });
        setLoading(false);
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setState((old) => ({ key, data: old.key === key ? old.data : undefined, error }));
        setLoading(false);
      });
    return () => controller.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((old) => old + 1), []);
  return { data: state.data, error: state.error, isLoading, reload };
}
