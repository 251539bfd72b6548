// ipld convert, cid, inspect; car ls, verify.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "cli/command.h"
#include "cli/progress.h"
#include "ipld/car.h"
#include "ipld/convert.h"

namespace rz::cli {
namespace {

constexpr std::size_t block_bytes_max = 64u * 1024 * 1024;

void write_stdout(ByteView bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }

int convert(const Context& context, const std::string& from, const std::string& to) {
  const auto from_codec = ipld::codec_named(from);
  if (!from_codec) return fail_with(context, from_codec.error());
  const auto to_codec = ipld::codec_named(to);
  if (!to_codec) return fail_with(context, to_codec.error());
  const auto block = read_stdin(block_bytes_max);
  if (!block) return fail_with(context, block.error());
  const auto converted = ipld::convert(*from_codec, *to_codec, as_bytes(*block));
  if (!converted) return fail_with(context, converted.error());
  write_stdout(*converted);
  return 0;
}

int cid_of(const Context& context, const std::string& codec) {
  const auto named = ipld::codec_named(codec);
  if (!named) return fail_with(context, named.error());
  const auto block = read_stdin(block_bytes_max);
  if (!block) return fail_with(context, block.error());
  const ipld::Cid cid = ipld::Cid::of(*named, as_bytes(*block));
  if (context.json)
    print_json({{"cid", cid.to_string()}});
  else
    std::printf("%s\n", cid.to_string().c_str());
  return 0;
}

int inspect(const Context& context, const std::string& text) {
  const auto report = ipld::inspect(text);
  if (!report) return fail_with(context, report.error());
  const std::vector<std::pair<const char*, std::string>> fields = {
      {"cid", report->text},       {"version", words(report->version)}, {"codec", report->codec_name},
      {"hash", report->hash_name}, {"digest", report->digest_hex},      {"bytes", report->bytes_hex},
      {"v1", report->text_v1},     {"multibase", report->multibase}};
  if (context.json) {
    Json json;
    for (const auto& [name, value] : fields) json[name] = value;
    json["version"] = report->version;
    if (report->text_v0) json["v0"] = *report->text_v0;
    print_json(json);
    return 0;
  }
  for (const auto& [name, value] : fields) std::printf("%-10s %s\n", name, value.c_str());
  if (report->text_v0) std::printf("%-10s %s\n", "v0", report->text_v0->c_str());
  return 0;
}

// Streams the file; memory stays at one block.
int walk_car(const Context& context, const std::string& path, bool verify) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return fail_with(context, Error{ErrorCode::not_found, words("there is no file ", path)});
  ipld::car::Reader reader(verify ? ipld::car::Verify::hashes : ipld::car::Verify::nothing);
  std::vector<char> buffer(256 * 1024);
  std::uint64_t bytes = 0;
  for (;;) {
    const auto step = reader.next();
    if (!step) return fail_with(context, step.error());
    if (*step == ipld::car::Reader::Step::need_more) {
      file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      const auto got = static_cast<std::size_t>(file.gcount());
      if (got == 0)
        reader.close();
      else
        reader.feed(as_bytes(std::string_view(buffer.data(), got)));
    } else if (*step == ipld::car::Reader::Step::block) {
      const ipld::car::Block& block = reader.block();
      bytes += block.data.size();
      if (verify) continue;
      if (context.json)
        print_json({{"cid", block.cid.to_string()}, {"bytes", block.data.size()}, {"offset", block.offset}});
      else
        std::printf("%s  %zu\n", block.cid.to_string().c_str(), block.data.size());
    } else if (*step == ipld::car::Reader::Step::end) {
      break;
    }
  }
  if (!verify) return 0;
  Json roots = Json::array();
  for (const ipld::Cid& root : reader.header().roots) roots.push_back(root.to_string());
  if (context.json)
    print_json({{"ok", true},
                {"version", reader.header().version},
                {"roots", roots},
                {"blocks", reader.block_count()},
                {"bytes", bytes}});
  else
    std::printf("CARv%d, %llu blocks, %s: every hash holds\n", reader.header().version,
                static_cast<unsigned long long>(reader.block_count()), bytes_text(bytes).c_str());
  return 0;
}

}  // namespace

void add_ipld_commands(CLI::App& app, Context& context) {
  static std::string from = "dag-cbor";
  static std::string to = "dag-json";
  static std::string codec = "dag-cbor";
  static std::string text;
  static std::string path;
  auto* tools = app.add_subcommand("ipld", "Blocks and CIDs")->require_subcommand(1)->fallthrough();
  const auto codecs = CLI::IsMember({"dag-cbor", "dag-json", "dag-pb", "raw"});

  auto* converted = tools->add_subcommand("convert", "A block from one codec to another, stdin to stdout");
  converted->add_option("--from", from, "Its codec")->check(codecs)->capture_default_str();
  converted->add_option("--to", to, "The codec wanted")->check(codecs)->capture_default_str();
  converted->footer("Example:\n  rhizome ipld convert --from dag-cbor --to dag-json <block");
  converted->callback([&context] { context.chosen = [&context] { return convert(context, from, to); }; });

  auto* named = tools->add_subcommand("cid", "The CID of the block on stdin");
  named->add_option("--codec", codec, "Its codec")->check(codecs)->capture_default_str();
  named->footer("Example:\n  rhizome ipld cid --codec raw <picture.png");
  named->callback([&context] { context.chosen = [&context] { return cid_of(context, codec); }; });

  auto* inspected = tools->add_subcommand("inspect", "What a CID says");
  inspected->add_option("cid", text, "The CID")->required();
  inspected->footer("Example:\n  rhizome ipld inspect bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
  inspected->callback([&context] { context.chosen = [&context] { return inspect(context, text); }; });

  auto* car = app.add_subcommand("car", "CAR archives")->require_subcommand(1)->fallthrough();
  auto* listed = car->add_subcommand("ls", "List the blocks");
  listed->add_option("file", path, "The archive")->required();
  listed->footer("Example:\n  rhizome car ls backup.car");
  listed->callback([&context] { context.chosen = [&context] { return walk_car(context, path, false); }; });
  auto* verified = car->add_subcommand("verify", "Check every block against its CID");
  verified->add_option("file", path, "The archive")->required();
  verified->footer("Example:\n  rhizome car verify backup.car && echo whole");
  verified->callback([&context] { context.chosen = [&context] { return walk_car(context, path, true); }; });
}

}  // namespace rz::cli
