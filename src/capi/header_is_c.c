/* Compiled as C99 by the tests: the public headers are C. */
#include <rhizome/document.h>

rz_document *rz_made_in_c(void) { return rz_document_new(NULL, 0); }
