#include "base/result.h"

namespace rz {

std::string_view name_of(ErrorCode code) {
  switch (code) {
#define RZ_ERROR_NAME(name, number, text) \
  case ErrorCode::name:                   \
    return #name;
    RZ_ERROR_CODES(RZ_ERROR_NAME)
#undef RZ_ERROR_NAME
  }
  return "unknown";
}

std::string_view meaning_of(ErrorCode code) {
  switch (code) {
#define RZ_ERROR_MEANING(name, number, text) \
  case ErrorCode::name:                      \
    return text;
    RZ_ERROR_CODES(RZ_ERROR_MEANING)
#undef RZ_ERROR_MEANING
  }
  return "an error of a newer version";
}

std::string Error::to_string() const {
  std::string text(name_of(code));
  if (offset != offset_none) text += words(" at byte ", offset);
  text += ": ";
  text += message.empty() ? meaning_of(code) : std::string_view(message);
  return text;
}

}  // namespace rz
