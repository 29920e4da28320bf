// What of the list is shown: filter, order, search, page, and the rows that are ticked.

import { useCallback, useEffect, useMemo, useState } from "react";
import type { ListQuery, TokenFilter, TokenSort } from "../api/tokens";

export interface TokenList {
  query: ListQuery;
  search: string;
  pageNumber: number;
  selected: ReadonlySet<string>;
  setFilter: (filter: TokenFilter) => void;
  setSearch: (search: string) => void;
  sortBy: (sort: TokenSort) => void;
  next: (continuationToken: string) => void;
  previous: () => void;
  select: (ids: Set<string>) => void;
}

const searchPauseMs = 250;

export function useTokenList(): TokenList {
  const [filter, setFilterValue] = useState<TokenFilter>("active");
  const [order, setOrder] = useState<{ sort: TokenSort; ascending: boolean }>({ sort: "createdOn", ascending: false });
  const [search, setSearch] = useState("");
  const [asked, setAsked] = useState("");
  const [pages, setPages] = useState<string[]>([]);
  const [selected, setSelected] = useState<Set<string>>(new Set());

  const restart = useCallback(() => {
    setPages([]);
    setSelected(new Set());
  }, []);

  useEffect(() => {
    if (search === asked) return undefined;
    const timer = setTimeout(() => {
      setAsked(search);
      restart();
    }, searchPauseMs);
    return () => clearTimeout(timer);
  }, [search, asked, restart]);

  return useMemo(() => ({
    query: { filter, ...order, search: asked, continuationToken: pages.at(-1) },
    search,
    pageNumber: pages.length + 1,
    selected,
    setFilter: (value) => {
      setFilterValue(value);
      restart();
    },
    setSearch,
    sortBy: (sort) => {
      setOrder((old) => ({ sort, ascending: old.sort === sort ? !old.ascending : sort === "displayName" || sort === "expiresOn" }));
      restart();
    },
    next: (token) => {
      setPages((old) => [...old, token]);
      setSelected(new Set());
    },
    previous: () => {
      setPages((old) => old.slice(0, -1));
      setSelected(new Set());
    },
    select: setSelected,
  }), [filter, order, search, asked, pages, selected, restart]);
}
