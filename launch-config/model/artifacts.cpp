// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/artifacts.hpp"

#include "hv/base/address.hpp"
#include "launch-config/model/kernel_image.hpp"
#include "launch-config/model/repack.hpp"

#include <algorithm>
#include <fstream>
#include <map>

namespace launch::model {
namespace {

constexpr uint64_t low_ram_limit = 0xc0000000;  // ARCHITECTURE.md, guest physical layout
constexpr uint64_t initrd_limit = 0x80000000;   // where Linux accepts an initrd
constexpr uint64_t first_free_byte = 0x100000;  // beyond the ACPI tables

// A label of the characters that names have; what else a file name has becomes a dash.
std::string label_of(const std::filesystem::path& path, bool unpacked) {
    std::string label = path.filename().string().substr(0, max_name_bytes);
    for (char& c : label) {
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+';
        c = allowed ? c : '-';
    }
    const bool starts_well =
        !label.empty() && std::string_view{"._+-"}.find(label[0]) == label.npos;
    label = starts_well ? label : "file" + label.substr(0, max_name_bytes - 4);
    constexpr std::string_view packed_name = "vmlinuz";
    if (unpacked && label.starts_with(packed_name)) {
        label[packed_name.size() - 1] = 'x';
    }
    return label;
}

class Preparer {
  public:
    Preparer(Examine examine, Diagnostics& diagnostics)
        : examine_{examine}, diagnostics_{diagnostics} {}

    PreparedDomain prepare(const DomainSpec& domain) {
        PreparedDomain prepared;
        if (domain.kernel) {
            prepared.kernel = prepare_kernel(*domain.kernel);
        }
        if (domain.initrd) {
            prepared.initrd = prepare_initrd(*domain.initrd);
        }
        if (examine_ == Examine::Everything && prepared.kernel.bytes) {
            check_kernel(domain, prepared);
        }
        return prepared;
    }

  private:
    using File = std::shared_ptr<const Bytes>;

    File open(const FileReference& reference) {
        auto& file = files_[reference.path];
        if (!file) {
            auto bytes = read_file(reference.path);
            if (!bytes) {
                diagnostics_.add(reference.place,
                                 "file " + quote(reference.file) + " cannot be read",
                                 "expected a readable file");
                return nullptr;
            }
            file = std::make_shared<const Bytes>(std::move(*bytes));
        }
        if (file->empty()) {
            diagnostics_.add(reference.place, "file " + quote(reference.file) + " is empty",
                             "expected content");
            return nullptr;
        }
        check_digest(reference, *file);
        return file;
    }

    void check_digest(const FileReference& reference, const Bytes& file) {
        if (reference.sha256 && reference.sha256->value != sha256_of(file)) {
            diagnostics_.add(reference.sha256->place,
                             "file " + quote(reference.file) + " has another SHA-256, " +
                                 format_sha256(sha256_of(file)),
                             "expected the file's digest, or another file");
        }
    }

    // `packing` is what the kernel was unpacked from.
    PreparedArtifact finish(const FileReference& reference, File bytes, bool is_kernel,
                            const std::string& packing) const {
        PreparedArtifact artifact;
        artifact.name = label_of(reference.file, !packing.empty());
        artifact.source = reference.file;
        if (is_kernel) {
            artifact.source += packing.empty() ? " (loaded part)"
                                               : " (loaded part, unpacked from " + packing + ")";
        }
        if (reference.sha256) {
            artifact.expected_sha256 = sha256_of(*bytes);
        }
        artifact.bytes = std::move(bytes);
        return artifact;
    }

    PreparedArtifact prepare_initrd(const FileReference& reference) {
        File file = open(reference);
        return file ? finish(reference, std::move(file), false, {}) : PreparedArtifact{};
    }

    PreparedArtifact prepare_kernel(const FileReference& reference) {
        const File file = open(reference);
        if (!file) {
            return {};
        }
        auto known = kernels_.find(reference.path);
        if (known == kernels_.end()) {
            auto unpacked = unpack_kernel(*file);
            if (!unpacked.ok()) {
                return reject_kernel(reference, file, unpacked.error());
            }
            const auto kernel = unpacked.take();
            Kernel entry{std::make_shared<const Bytes>(inspect_kernel(kernel.bytes).ok()
                                                           ? repack_kernel(kernel.bytes)
                                                           : kernel.bytes),
                         kernel.packing};
            known = kernels_.emplace(reference.path, std::move(entry)).first;
        }
        return finish(reference, known->second.bytes, true, known->second.packing);
    }

    PreparedArtifact reject_kernel(const FileReference& reference, const File& file,
                                   const ImageError& error) {
        if (examine_ == Examine::DigestsOnly) {
            return finish(reference, file, false, {});
        }
        diagnostics_.add(reference.place, "kernel " + quote(reference.file) + " " + error.what,
                         error.expected);
        return {};
    }

    void check_kernel(const DomainSpec& domain, const PreparedDomain& prepared) {
        const auto layout = inspect_kernel(*prepared.kernel.bytes);
        const std::optional<ImageError> problem =
            layout.ok() ? find_start_problem(layout.value(), domain.type.value)
                        : std::optional{layout.error()};
        if (problem) {
            diagnostics_.add(domain.kernel->place,
                             "kernel " + quote(domain.kernel->file) + " " + problem->what,
                             problem->expected);
        } else if (domain.type.value == DomainType::Pv) {
            check_pv_memory(domain, layout.value(), prepared);
        } else {
            check_memory(domain, layout.value(), prepared);
        }
    }

    // What domB needs at least: kernel, initrd, p2m list, and 512 KiB beyond a few pages. It knows
    // the page tables and the alignment, and has the last word.
    void check_pv_memory(const DomainSpec& domain, const KernelLayout& kernel,
                         const PreparedDomain& prepared) {
        const uint64_t memory = domain.memory_bytes.value;
        const uint64_t initrd =
            prepared.initrd && prepared.initrd->bytes ? prepared.initrd->bytes->size() : 0;
        const uint64_t needed = hv::align_up(kernel.high, hv::page_size) +
                                hv::align_up(initrd, hv::page_size) + memory / 512 + (600 << 10);
        if (needed > memory) {
            diagnostics_.add(
                domain.memory_bytes.place,
                "kernel and initrd do not fit into " + format_size(memory),
                "expected at least " + format_size(hv::align_up(needed, uint64_t{4} << 20)));
        }
    }

    // The rule by which domB places them: the initrd above the kernel or between it and 1 MiB.
    void check_memory(const DomainSpec& domain, const KernelLayout& kernel,
                      const PreparedDomain& prepared) {
        const uint64_t low_ram = std::min(domain.memory_bytes.value, low_ram_limit);
        if (kernel.high > low_ram) {
            const uint64_t mib = hv::align_up(kernel.high, uint64_t{1} << 20);
            diagnostics_.add(
                domain.memory_bytes.place,
                "the kernel does not fit into " + format_size(domain.memory_bytes.value),
                "expected at least " + format_size(mib));
            return;
        }
        if (!prepared.initrd || !prepared.initrd->bytes) {
            return;
        }
        const uint64_t initrd = hv::align_up(prepared.initrd->bytes->size(), hv::page_size);
        const uint64_t limit = std::min(low_ram, initrd_limit);
        const uint64_t above = limit - std::min(limit, hv::align_up(kernel.high, hv::page_size));
        const uint64_t below = std::max(kernel.low, first_free_byte) - first_free_byte;
        if (initrd > std::max(above, below)) {
            diagnostics_.add(
                domain.memory_bytes.place,
                "kernel and initrd do not fit into " + format_size(domain.memory_bytes.value),
                "expected at least " +
                    format_size(hv::align_up(kernel.high + initrd, uint64_t{1} << 20)));
        }
    }

    struct Kernel {
        File bytes;
        std::string packing;
    };

    Examine examine_;
    Diagnostics& diagnostics_;
    std::map<std::filesystem::path, File> files_;
    std::map<std::filesystem::path, Kernel> kernels_;  // so that each is unpacked once
};

}  // namespace

std::optional<Bytes> read_file(const std::filesystem::path& path) {
    std::ifstream stream{path, std::ios::binary | std::ios::ate};
    const auto size = stream ? static_cast<std::streamoff>(stream.tellg()) : -1;
    if (size < 0) {
        return std::nullopt;
    }
    Bytes bytes(static_cast<size_t>(size));
    stream.seekg(0);
    // SAFETY: chars may view any bytes.
    stream.read(reinterpret_cast<char*>(bytes.data()), size);
    return stream || size == 0 ? std::optional{std::move(bytes)} : std::nullopt;
}

std::vector<PreparedDomain> prepare_artifacts(const Manifest& manifest, Examine examine,
                                              Diagnostics& diagnostics) {
    Preparer preparer{examine, diagnostics};
    std::vector<PreparedDomain> prepared;
    for (const DomainSpec& domain : manifest.domains) {
        prepared.push_back(preparer.prepare(domain));
    }
    return prepared;
}

}  // namespace launch::model
