#include "host/network/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>

#include "host/transport/address.h"

namespace rz::host {

namespace {

constexpr std::size_t addresses_max = 64;  // More than anybody announces.

#ifdef __linux__
// Flags of /proc/net/if_inet6 (linux/if_addr.h): temporary, failed, deprecated, tentative.
constexpr unsigned unusable = 0x01 | 0x08 | 0x20 | 0x40;

std::map<std::string, unsigned> ipv6_flags() {
  std::map<std::string, unsigned> flags;
  std::FILE* file = std::fopen("/proc/net/if_inet6", "re");
  if (file == nullptr) return flags;
  char address[33];
  char interface[33];
  unsigned flag = 0;
  while (std::fscanf(file, "%32s %*x %*x %*x %x %32s", address, &flag, interface) == 3) {
    flags[words(address, "%", interface)] = flag;
  }
  std::fclose(file);
  return flags;
}
#else
constexpr unsigned unusable = 0;
std::map<std::string, unsigned> ipv6_flags() { return {}; }
#endif

bool is_hardware(const std::string& interface) {
  std::error_code error;
  const std::filesystem::path folder = "/sys/class/net/" + interface;
  if (!std::filesystem::exists(folder, error)) return true;  // Another system: nothing is known.
  return std::filesystem::exists(folder / "device", error);
}

std::optional<Bytes> ip_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    const auto* begin = reinterpret_cast<const std::uint8_t*>(&v4->sin_addr);
    return Bytes(begin, begin + 4);
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    const auto* begin = reinterpret_cast<const std::uint8_t*>(&v6->sin6_addr);
    return Bytes(begin, begin + 16);
  }
  return std::nullopt;
}

bool is_link_local(ByteView ip) { return ip.size() == 16 && ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80; }

ByteView ip_part(const ipld::Multiaddr& address) {
  const auto parts = address.parts();
  if (parts.empty()) return {};
  const bool is_ip = parts[0].protocol == ipld::Protocol::ip4 || parts[0].protocol == ipld::Protocol::ip6;
  return is_ip ? parts[0].value : ByteView();
}

}  // namespace

std::vector<InterfaceAddress> interface_addresses() {
  std::vector<InterfaceAddress> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  const auto flags = ipv6_flags();
  for (const ifaddrs* each = list; each != nullptr && found.size() < addresses_max; each = each->ifa_next) {
    const auto ip = ip_of(each->ifa_addr);
    if (!ip || (each->ifa_flags & IFF_UP) == 0 || (each->ifa_flags & IFF_RUNNING) == 0) continue;
    const std::string name = each->ifa_name;
    const auto flag = flags.find(words(to_hex(*ip), "%", name));
    const bool passing = is_link_local(*ip) || (flag != flags.end() && (flag->second & unusable) != 0);
    const bool loopback = (each->ifa_flags & IFF_LOOPBACK) != 0;
    found.push_back({name, *ip, loopback, !loopback && is_hardware(name), !passing});
  }
  ::freeifaddrs(list);
  std::ranges::sort(found, {}, [](const InterfaceAddress& each) { return std::pair(each.interface, each.ip); });
  return found;
}

bool is_unspecified(const ipld::Multiaddr& address) {
  const ByteView ip = ip_part(address);
  return !ip.empty() && std::ranges::all_of(ip, [](std::uint8_t byte) { return byte == 0; });
}

bool is_loopback(const ipld::Multiaddr& address) {
  const ByteView ip = ip_part(address);
  if (ip.size() == 4) return ip[0] == 127;
  return ip.size() == 16 && ip[15] == 1 &&
         std::ranges::all_of(ip.first(15), [](std::uint8_t byte) { return byte == 0; });
}

std::vector<ipld::Multiaddr> announced_addresses(const std::vector<ipld::Multiaddr>& listening,
                                                 const std::vector<InterfaceAddress>& interfaces) {
  constexpr int loopback_rank = 9;
  struct Candidate {
    ipld::Multiaddr address;
    std::pair<int, std::size_t> order;  // Rank, less is tried sooner; then as listed.
  };
  std::vector<Candidate> candidates;
  for (const ipld::Multiaddr& address : listening) {
    if (!is_unspecified(address)) {
      candidates.push_back({address, {is_loopback(address) ? loopback_rank : 0, candidates.size()}});
      continue;
    }
    const std::size_t size = ip_part(address).size();
    for (const InterfaceAddress& each : interfaces) {
      if (each.ip.size() != size || !each.lasting) continue;
      const int rank = each.loopback ? loopback_rank : (each.hardware ? 1 : 3) + (size == 16 ? 1 : 0);
      candidates.push_back({tcp_multiaddr(each.ip, address.tcp_port().value_or(0)), {rank, candidates.size()}});
    }
  }
  std::ranges::sort(candidates, {}, &Candidate::order);
  std::vector<ipld::Multiaddr> told;
  for (const Candidate& each : candidates) {
    if (each.order.first == loopback_rank && candidates.front().order.first != loopback_rank) break;
    if (std::ranges::find(told, each.address) == told.end()) told.push_back(each.address);
  }
  return told;
}

}  // namespace rz::host
