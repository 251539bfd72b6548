// The `rhizome` program.
#include "cli/app.h"

int main(int argc, char** argv) { return rz::cli::run(argc, argv); }
