#include "device/bitstream.hpp"

#include <openssl/evp.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

namespace barista::device {
namespace {

using Json = nlohmann::json;

constexpr int kManifestVersion = 1;

// A sentence about one bitstream: what is wrong with it, and what to type.
Error refusal(const std::string& path, const std::string& complaint, const std::string& recipe = "") {
  const std::string command = recipe.empty() ? "barista build" : "barista build " + recipe;
  return Error("bitstream " + path + ": " + complaint + "; rebuild it with '" + command + "'");
}

std::vector<unsigned char> read_file(const std::string& path, const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::error_code ignored;
  if (!stream || std::filesystem::is_directory(file, ignored)) throw refusal(path, file + " is missing or unreadable");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string sha256(const std::vector<unsigned char>& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1) {
    throw Error("SHA-256: the system's libcrypto does not compute it");
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", digest[i]);
    hex += two;
  }
  return hex;
}

// What nlohmann-json says of a missing or mistyped field, without its own prefix.
std::string reason(const Json::exception& error) {
  const std::string what = error.what();
  const auto end_of_prefix = what.find("] ");
  return end_of_prefix == std::string::npos ? what : what.substr(end_of_prefix + 2);
}

// The binary's SHA-256 as the manifest has it.
std::string read_manifest(const std::string& text, Bitstream& bitstream) {
  const Json manifest = Json::parse(text);
  const int version = manifest.at("manifest_version").get<int>();
  if (version != kManifestVersion) {
    throw Error("its manifest is of version " + std::to_string(version) + ", this Barista reads version " +
                std::to_string(kManifestVersion));
  }
  bitstream.recipe = Recipe::from_json(manifest.at("recipe").dump());
  bitstream.platform = manifest.at("platform").get<std::string>();
  bitstream.device = manifest.at("device").get<std::string>();
  bitstream.driver = manifest.at("driver").get<std::string>();
  for (const Json& kernel : manifest.at("kernels")) bitstream.kernels.push_back(kernel.at("name").get<std::string>());
  return manifest.at("binary_sha256").get<std::string>();
}

}  // namespace

Bitstream Bitstream::open(const std::string& path) {
  Bitstream bitstream;
  bitstream.path = path;
  bitstream.binary = read_file(path, path);
  const std::string manifest_path = std::filesystem::path(path).replace_extension(".json").string();
  const std::vector<unsigned char> manifest = read_file(path, manifest_path);
  std::string expected;
  try {
    expected = read_manifest(std::string(manifest.begin(), manifest.end()), bitstream);
  } catch (const Json::exception& error) {
    throw refusal(path, "its manifest " + manifest_path + " can't be read (" + reason(error) + ")");
  } catch (const std::invalid_argument& error) {
    throw refusal(path, error.what(), bitstream.recipe.name);
  } catch (const Error& error) {
    throw refusal(path, error.what(), bitstream.recipe.name);
  }
  const std::string found = sha256(bitstream.binary);
  if (found != expected) {
    throw refusal(
        path, "it is corrupt, its SHA-256 is " + found.substr(0, 12) + "..., its manifest says " + expected.substr(0, 12) + "...",
        bitstream.recipe.name);
  }
  return bitstream;
}

}  // namespace barista::device
