// Memory that is given back holds nothing.
//
// Secrets pass through texts that others own: the strings of a JSON library, buffers that grew and
// moved, a request's bytes. So `operator delete` overwrites each block before it goes back to the
// heap, for the whole program; under a sanitizer, which brings its own, its hook for freed memory
// does. What C libraries take from malloc is theirs to wipe. docs/decisions/0006-wiped-heap.md.
// Thread safety: any thread.
#pragma once

namespace latchkey {

// Has freed memory overwritten from now on. To be called once, before there are secrets; without it
// a sanitizer's build wipes nothing (any other does since its start).
void wipe_freed_memory();

}  // namespace latchkey
