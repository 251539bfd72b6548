// The command line: parses, runs one command, returns its exit code (terminal.h).
#pragma once

namespace rz::cli {

int run(int argc, char** argv);

}  // namespace rz::cli
