// One change at a time: its button is off while it runs, its error stays until the next try.

import { useCallback, useRef, useState } from "react";

export interface Action {
  isRunning: boolean;
  error: unknown;
  run: (work: () => Promise<void>) => Promise<void>;
  clear: () => void;
}

export function useAction(): Action {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const busy = useRef(false);

  const run = useCallback(async (work: () => Promise<void>) => {
    if (busy.current) return;
    busy.current = true;
    setRunning(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problem);
    } finally {
      busy.current = false;
      setRunning(false);
    }
  }, []);

  const clear = useCallback(() => setError(null), []);
  return { isRunning, error, run, clear };
}
