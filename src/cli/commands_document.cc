// doc new, list, show, edit, rename, accept, import, export.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>

#include "cli/command.h"
#include "cli/progress.h"
#include "host/daemon/files.h"
#include "ipld/utf8.h"

namespace rz::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 6 * 1024 * 1024;

// A document by its title, or by the beginning of its id.
Result<Json> find_document(const Remote& remote, const std::string& wanted, bool removed = false) {
  RZ_TRY(const Json documents, remote.call("GET", removed ? "/api/documents?removed" : "/api/documents"));
  std::vector<Json> found;
  for (const Json& document : documents["documents"]) {
    if (document["title"] == wanted || (wanted.size() >= 6 && document["id"].get<std::string>().starts_with(wanted)))
      found.push_back(document);
  }
  if (found.empty())
    return fail(ErrorCode::not_found, words("no ", removed ? "removed " : "", "document is called \"", wanted,
                                            "\": see `rhizome doc list", removed ? " --removed`" : "`"));
  if (found.size() > 1)
    return fail(ErrorCode::bad_argument, words("several documents are called \"", wanted, "\": say its id"));
  return found[0];
}

int with_remote(const Context& context, const std::function<Status(const Remote&)>& act) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const Status done = act(*remote);
  return done ? 0 : fail_with(context, done.error());
}

// What one device alone has put in order is as safe as that device.
std::string document_dot(const Json& document) {
  const auto state = document["state"].get<std::string>();
  return dot(state == "committed" && !document.value("copied", true) ? "local" : state);
}

Status list(const Context& context, const Remote& remote, bool removed) {
  RZ_TRY(const Json json, remote.call("GET", removed ? "/api/documents?removed" : "/api/documents"));
  if (context.json) {
    print_json(json);
    return {};
  }
  if (json["documents"].empty() && removed) {
    std::printf("Nothing was removed.\n");
    return {};
  }
  if (json["documents"].empty()) {
    std::printf("No documents yet. A first one:  rhizome doc new \"My notes\"\n");
    return {};
  }
  const auto now = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  std::vector<std::vector<std::string>> rows;
  std::uint64_t set_aside = 0;
  for (const Json& document : json["documents"]) {
    set_aside += document.value("set_aside", std::uint64_t{0});
    rows.push_back({document_dot(document), document["title"], bytes_text(document["bytes"]),
                    ago(document["updated_ms"], now),
                    context.style.dim(document["id"].get<std::string>().substr(0, 12))});
  }
  std::printf("%s", table({"", "title", "size", "changed", "id"}, rows, context.style).c_str());
  if (set_aside > 0) {
    std::printf(
        "%llu changes that removed devices made later are set aside: `rhizome doc accept TITLE` takes them in\n",
        static_cast<unsigned long long>(set_aside));
  }
  return {};
}

Status create(const Context& context, const Remote& remote, const std::string& title, const std::string& text) {
  RZ_TRY(const Json json, remote.call("POST", "/api/documents?wait=local", {{"title", title}, {"text", text}}));
  if (context.json)
    print_json(json);
  else
    std::printf("◔ saved on this device: %s\n", json["id"].get<std::string>().c_str());
  return {};
}

Status show(const Context& context, const Remote& remote, const std::string& wanted) {
  RZ_TRY(const Json found, find_document(remote, wanted));
  RZ_TRY(const Json json, remote.call("GET", words("/api/documents/", found["id"].get<std::string>())));
  if (context.json) {
    print_json(json);
    return {};
  }
  const std::string text = json["text"];
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (stdout_is_terminal() && !text.empty() && text.back() != '\n') std::printf("\n");
  return {};
}

Status edit(const Context& context, const Remote& remote, const std::string& wanted, bool from_stdin) {
  RZ_TRY(const Json found, find_document(remote, wanted));
  const std::string path = words("/api/documents/", found["id"].get<std::string>());
  std::string text;
  if (from_stdin) {
    RZ_TRY(text, read_stdin(file_bytes_max));
  } else {
    RZ_TRY(const Json json, remote.call("GET", path));
    const char* editor = std::getenv("VISUAL");
    if (editor == nullptr) editor = std::getenv("EDITOR");
    if (editor == nullptr)
      return fail(ErrorCode::bad_argument, "set EDITOR to the program you write with, or use --stdin");
    std::string name = (fs::temp_directory_path() / "rhizome-XXXXXX.txt").string();
    const int descriptor = ::mkstemps(name.data(), 4);
    if (descriptor < 0) return fail(ErrorCode::store_io, "no temporary file could be made");
    ::close(descriptor);
    RZ_CHECK(host::write_file(name, json["text"].get<std::string>(), 0600));
    const int code = std::system(words(editor, " '", name, "'").c_str());
    auto edited = host::read_file(name, file_bytes_max);
    fs::remove(name);
    if (code != 0) return fail(ErrorCode::bad_argument, "the editor failed; nothing was changed");
    if (!edited) return std::unexpected(edited.error());
    text = *std::move(edited);
  }
  RZ_CHECK(ipld::check_utf8(as_bytes(text)));
  RZ_CHECK(remote.call("PUT", path + "?wait=local", {{"text", text}}));
  if (context.json)
    print_json({{"id", found["id"]}});
  else
    std::printf("◔ saved on this device\n");
  return {};
}

Status accept(const Context& context, const Remote& remote, const std::string& wanted) {
  RZ_TRY(const Json found, find_document(remote, wanted));
  const std::uint64_t set_aside = found.value("set_aside", std::uint64_t{0});
  RZ_CHECK(remote.call("POST", words("/api/documents/", found["id"].get<std::string>(), "/accept?wait=local")));
  if (context.json)
    print_json({{"id", found["id"]}, {"accepted", set_aside}});
  else
    std::printf("%llu changes by removed devices are part of the document now\n",
                static_cast<unsigned long long>(set_aside));
  return {};
}

// Line ends as every editor here understands them.
std::string with_newlines(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      if (i + 1 < text.size() && text[i + 1] == '\n') continue;
      out.push_back('\n');
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// Text files of a folder, or single files; the title is the path below the folder.
Status import(const Context& context, const Remote& remote, const std::vector<std::string>& places) {
  std::vector<std::pair<std::string, fs::path>> files;
  for (const std::string& place : places) {
    std::error_code error;
    if (fs::is_directory(place, error)) {
      for (const auto& entry :
           fs::recursive_directory_iterator(place, fs::directory_options::skip_permission_denied, error)) {
        if (entry.is_regular_file(error))
          files.emplace_back(fs::relative(entry.path(), place, error).string(), entry.path());
      }
    } else if (fs::is_regular_file(place, error)) {
      files.emplace_back(fs::path(place).filename().string(), place);
    } else {
      return fail(ErrorCode::not_found, words("there is no file or folder ", place));
    }
  }
  std::sort(files.begin(), files.end());
  RZ_TRY(const Json present, remote.call("GET", "/api/documents"));
  std::set<std::string> titles;
  for (const Json& document : present["documents"]) titles.insert(document["title"].get<std::string>());
  std::size_t imported = 0;
  std::size_t skipped = 0;
  Json list = Json::array();
  Progress progress("importing", context.json);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& [title, path] = files[i];
    const auto text = host::read_file(path.string(), file_bytes_max);
    if (titles.contains(title) || !text || text->find('\0') != std::string::npos ||
        !ipld::check_utf8(as_bytes(*text))) {
      ++skipped;
      continue;
    }
    // The last one is waited for: it stands for all before it.
    RZ_TRY(const Json made, remote.call("POST", i + 1 == files.size() ? "/api/documents?wait=local" : "/api/documents",
                                        {{"title", title}, {"text", with_newlines(*text)}}));
    list.push_back({{"id", made["id"]}, {"title", title}});
    ++imported;
    progress.step(i + 1, files.size());
  }
  progress.end();
  if (context.json)
    print_json({{"imported", list}, {"skipped", skipped}});
  else
    std::printf(
        "%zu documents imported%s\n", imported,
        skipped > 0 ? words("; ", skipped, " files left out (there already, no text, or over 6 MB)").c_str() : "");
  return {};
}

// A file name of a title: its slashes are folders, whatever would leave the folder or hide is replaced.
std::string file_name(const std::string& title, const std::string& id, std::set<std::string>& taken) {
  std::string name;
  for (const char c : title) {
    const bool control = static_cast<unsigned char>(c) < 0x20;
    name.push_back(control || c == '\\' || c == ':' ? '_' : c);
  }
  fs::path safe;
  for (const fs::path& part : fs::path(name).relative_path()) {
    std::string text = part.string();
    if (text.empty() || text == "." || text == "..") text = "_";
    if (text.size() > 200) text.resize(200);
    safe /= text;
  }
  if (safe.empty()) safe = id.substr(0, 12);
  if (!safe.has_extension()) safe += ".txt";
  std::string path = safe.string();
  if (!taken.insert(path).second) {
    path = (safe.parent_path() / (safe.stem().string() + " " + id.substr(0, 8) + safe.extension().string())).string();
    taken.insert(path);
  }
  return path;
}

Status export_one(const Remote& remote, const std::string& id, const std::string& to, std::set<std::string>& taken) {
  RZ_TRY(const Json whole, remote.call("GET", "/api/documents/" + id));
  const std::string title = whole["title"];
  fs::path path = fs::path(to) / file_name(title, id, taken);
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::error_code ignored;
  if (error || fs::is_directory(path, ignored)) {
    // One title is the folder of another ("a.txt" and "a.txt/b"): this one goes beside it.
    path = fs::path(to) / words(id.substr(0, 12), ".txt");
    error.clear();
    fs::create_directories(path.parent_path(), error);
  }
  if (error) return fail(ErrorCode::store_io, words("can't make ", path.parent_path().string(), ": ", error.message()));
  return host::write_file(path.string(), whole["text"].get<std::string>(), 0644);
}

Status export_documents(const Context& context, const Remote& remote, const std::optional<std::string>& wanted,
                        const std::string& to) {
  std::vector<Json> documents;
  if (!wanted) {
    RZ_TRY(const Json json, remote.call("GET", "/api/documents"));
    for (const Json& document : json["documents"]) documents.push_back(document);
  } else {
    RZ_TRY(Json found, find_document(remote, *wanted));
    documents.push_back(std::move(found));
  }
  std::set<std::string> taken;
  Json failed = Json::array();
  Progress progress("exporting", context.json);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string id = documents[i]["id"];
    // One document that can't be written keeps the others from nothing: whoever leaves takes all that can be taken.
    if (const Status done = export_one(remote, id, to, taken); !done) {
      failed.push_back({{"id", id}, {"title", documents[i]["title"]}, {"message", done.error().message}});
      if (done.error().code == ErrorCode::disk_full || done.error().code == ErrorCode::not_reachable) {
        return std::unexpected(done.error());
      }
    }
    progress.step(i + 1, documents.size());
  }
  progress.end();
  const std::size_t count = documents.size() - failed.size();
  if (context.json) {
    print_json({{"exported", count}, {"to", to}, {"failed", failed}});
  } else {
    std::printf("%zu documents are plain files in %s now\n", count, to.c_str());
    for (const Json& each : failed) {
      std::fprintf(stderr, "not written: \"%s\": %s\n", each["title"].get<std::string>().c_str(),
                   each["message"].get<std::string>().c_str());
    }
  }
  if (failed.empty()) return {};
  return fail(ErrorCode::store_io, words(failed.size(), " of ", documents.size(), " documents were not written"));
}

Status remove(const Context& context, const Remote& remote, const std::string& wanted) {
  RZ_TRY(const Json found, find_document(remote, wanted));
  RZ_CHECK(remote.call("DELETE", words("/api/documents/", found["id"].get<std::string>(), "?wait=local")));
  if (context.json) {
    print_json({{"id", found["id"]}, {"title", found["title"]}});
  } else {
    std::printf("\"%s\" is gone from the lists of all your devices; `rhizome doc restore` puts it back\n",
                found["title"].get<std::string>().c_str());
  }
  return {};
}

Status restore(const Context& context, const Remote& remote, const std::string& wanted) {
  RZ_TRY(const Json found, find_document(remote, wanted, true));
  RZ_CHECK(remote.call("POST", words("/api/documents/", found["id"].get<std::string>(), "/restore?wait=local")));
  if (context.json) {
    print_json({{"id", found["id"]}, {"title", found["title"]}});
  } else {
    std::printf("\"%s\" is back\n", found["title"].get<std::string>().c_str());
  }
  return {};
}

Status rename(const Context& context, const Remote& remote, const std::string& wanted, const std::string& name) {
  RZ_TRY(const Json found, find_document(remote, wanted));
  const std::string id = found["id"];
  RZ_CHECK(remote.call("PUT", words("/api/documents/", id, "?wait=local"), {{"title", name}}));
  if (context.json) {
    print_json({{"id", id}, {"title", name}});
  } else {
    std::printf("\"%s\" is called \"%s\" now\n", found["title"].get<std::string>().c_str(), name.c_str());
  }
  return {};
}

}  // namespace

void add_document_commands(CLI::App& app, Context& context) {
  static std::string title;
  static std::string text;
  static std::string wanted;
  static std::string to;
  static std::vector<std::string> places;
  static bool from_stdin = false;
  static bool removed = false;
  auto* doc = app.add_subcommand("doc", "Your documents")->require_subcommand(1)->fallthrough();
  const auto run = [&context](std::function<Status(const Remote&)> act) {
    return [&context, act = std::move(act)] { context.chosen = [&context, act] { return with_remote(context, act); }; };
  };

  auto* made = doc->add_subcommand("new", "Make a document");
  made->add_option("title", title, "Its title")->required();
  made->add_option("--text", text, "Its first text");
  made->footer("Example:\n  rhizome doc new \"Shopping\" --text \"milk\"");
  made->callback(run([&context](const Remote& remote) { return create(context, remote, title, text); }));

  auto* listed = doc->add_subcommand("list", "Which documents there are");
  listed->footer(
      "Example:\n  rhizome doc list\nThe dot: ○ on this screen, ◔ on this device, ◑ on another device too, ● in order "
      "on your pod.");
  listed->add_flag("--removed", removed, "Those that were removed");
  listed->callback(run([&context](const Remote& remote) { return list(context, remote, removed); }));

  auto* shown = doc->add_subcommand("show", "Print a document's text");
  shown->add_option("document", wanted, "Its title, or the beginning of its id")->required();
  shown->footer("Examples:\n  rhizome doc show Shopping\n  rhizome doc show Shopping --json | jq -r .text");
  shown->callback(run([&context](const Remote& remote) { return show(context, remote, wanted); }));

  auto* edited = doc->add_subcommand("edit", "Edit it in your editor ($EDITOR)");
  edited->add_option("document", wanted, "Its title, or the beginning of its id")->required();
  edited->add_flag("--stdin", from_stdin, "Take the new text from standard input");
  edited->footer("Examples:\n  rhizome doc edit Shopping\n  sort list.txt | rhizome doc edit Shopping --stdin");
  edited->callback(run([&context](const Remote& remote) { return edit(context, remote, wanted, from_stdin); }));

  auto* accepted = doc->add_subcommand("accept", "Take in what a removed device wrote after its removal");
  accepted->add_option("document", wanted, "Its title, or the beginning of its id")->required();
  accepted->footer(
      "Until then it is set aside: kept, counted (`rhizome doc list`), and part of nothing.\n"
      "Example:\n  rhizome doc accept Shopping");
  accepted->callback(run([&context](const Remote& remote) { return accept(context, remote, wanted); }));

  auto* renamed = doc->add_subcommand("rename", "Give it another title, on all your devices");
  renamed->add_option("document", wanted, "Its title, or the beginning of its id")->required();
  renamed->add_option("title", title, "Its new title")->required();
  renamed->footer("Example:\n  rhizome doc rename Shopping \"Shopping, May\"");
  renamed->callback(run([&context](const Remote& remote) { return rename(context, remote, wanted, title); }));

  auto* gone = doc->add_subcommand("remove", "Take it from the lists of all your devices");
  gone->add_option("document", wanted, "Its title, or the beginning of its id")->required();
  gone->footer(
      "What it holds stays on your devices, and what another one writes in it meanwhile is kept too.\n"
      "Example:\n  rhizome doc remove Shopping");
  gone->callback(run([&context](const Remote& remote) { return remove(context, remote, wanted); }));

  auto* back = doc->add_subcommand("restore", "Put a removed document back");
  back->add_option("document", wanted, "Its title, or the beginning of its id")->required();
  back->footer("Examples:\n  rhizome doc list --removed\n  rhizome doc restore Shopping");
  back->callback(run([&context](const Remote& remote) { return restore(context, remote, wanted); }));

  auto* imported = doc->add_subcommand("import", "Make documents of text files");
  imported->add_option("places", places, "Files or folders")->required();
  imported->footer("Example:\n  rhizome doc import ~/notes");
  imported->callback(run([&context](const Remote& remote) { return import(context, remote, places); }));

  auto* exported = doc->add_subcommand("export", "Write documents as plain files");
  auto* one = exported->add_option("document", wanted, "Its title, or the beginning of its id");
  exported->add_option("--to", to, "The folder")->type_name("DIR");
  auto* all = exported->add_option("--all", to, "All of them, into this folder")->type_name("DIR");
  all->excludes(one);
  exported->footer("Examples:\n  rhizome doc export --all ~/leaving\n  rhizome doc export Shopping --to .");
  exported->callback(run([&context, one, all](const Remote& remote) -> Status {
    if (one->count() == 0 && all->count() == 0)
      return fail(ErrorCode::bad_argument, "say which document, or --all DIR");
    return export_documents(context, remote, one->count() > 0 ? std::optional(wanted) : std::nullopt,
                            to.empty() ? "." : to);
  }));
}

}  // namespace rz::cli
