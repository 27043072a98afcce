// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/measurement.hpp"

#include <algorithm>

namespace builder {
namespace {

launch::Sha256 sha256_of(const measure::DigestSet& digests) {
    launch::Sha256 out;
    std::ranges::copy(digests.get(measure::Algorithm::Sha256), out.begin());
    return out;
}

}  // namespace

void Measurement::domain(const launch::Domain& domain, const Delivered& kernel,
                         const std::optional<Delivered>& initrd) {
    if (works_) {
        note(measure_domain(domain, kernel, initrd));
    }
}

void Measurement::refusal(const launch::Domain& domain, std::string_view reason) {
    if (works_) {
        note(recorder_.refusal(domain.name, reason));
    }
}

void Measurement::cap() {
    if (works_) {
        note(recorder_.separator(measure::Separator::Capped));
    }
    if (sink_.events != nullptr) {
        sink_.events->finish();
    }
}

Measurement::Recorded Measurement::measure_domain(const launch::Domain& domain,
                                                  const Delivered& kernel,
                                                  const std::optional<Delivered>& initrd) {
    launch::ArtifactDigests digests{.kernel = sha256_of(kernel.digests), .initrd = {}};
    if (initrd) {
        digests.initrd = sha256_of(initrd->digests);
    }
    hv::TextOf<launch::max_domain_text_bytes> text;
    launch::write_domain_text(domain, digests, text);
    ASSERT(!text.truncated());
    TRY(recorder_.domain_text(text.view()));
    TRY(measure_blob(measure::BlobKind::Kernel, domain, kernel));
    if (initrd) {
        TRY(measure_blob(measure::BlobKind::Initrd, domain, *initrd));
    }
    return hv::Ok{};
}

Measurement::Recorded Measurement::measure_blob(measure::BlobKind kind,
                                                const launch::Domain& domain,
                                                const Delivered& blob) {
    return recorder_.blob(measure::domain_hint(kind, domain, blob.artifact, blob.size_bytes),
                          blob.digests.only(banks_));
}

void Measurement::note(const Recorded& result) {
    if (!result.ok()) {
        works_ = false;
        error_ = result.error();
    }
}

}  // namespace builder
