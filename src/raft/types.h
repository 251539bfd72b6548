// The nouns of consensus under the name by which other rooms include them; they are defined where their bytes are.
#pragma once

#include "raft/wire/types.h"  // IWYU pragma: export
