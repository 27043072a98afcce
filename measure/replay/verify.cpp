// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/verify.hpp"

#include "measure/replay/align.hpp"
#include "measure/replay/explain.hpp"
#include "measure/replay/hex.hpp"
#include "measure/replay/printable.hpp"

#include <algorithm>
#include <cstring>

namespace measure {
namespace {

class Verifier {
  public:
    Verifier(const RawLog& log, const PcrValues& reported, const ReferenceValues& reference)
        : log_{log}, reported_{reported}, reference_{reference} {}

    Verdict run() {
        check_banks();
        check_replay();
        check_events();
        check_mirror();
        check_pcrs();
        check_bytes();
        add_omitted();
        return {.domains = reference_.domains, .differences = in_order()};
    }

  private:
    void add(Difference difference) {
        if (differences_.size() >= max_differences) {
            ++omitted_;
            return;
        }
        // A changed artefact is named by its domain's text and by its own event.
        if (std::find(differences_.begin(), differences_.end(), difference) == differences_.end()) {
            differences_.push_back(std::move(difference));
        }
    }

    void add_omitted() {
        if (omitted_ > 0) {
            differences_.push_back(
                {{}, "further differences", {}, "none", std::to_string(omitted_)});
        }
    }

    [[nodiscard]] bool is_mirror(hv::PcrIndex pcr, EventType type) const {
        return pcr == reference_.mirror_pcr && type == EventType::EV_EVENT_TAG;
    }

    // SHA-1 alone proves nothing, and a bank that was not predicted cannot be compared.
    void check_banks() {
        bool has_sha2 = false;
        for (const Algorithm a : all_algorithms) {
            has_sha2 = has_sha2 || (a != Algorithm::Sha1 && log_.banks().has(a));
            if (log_.banks().has(a) && !reference_.banks.has(a)) {
                add({{}, "banks", {}, "predicted banks only", std::string{to_name(a)}});
            }
        }
        if (!has_sha2) {
            add({{}, "banks", {}, "sha256, sha384 or sha512", "sha1 alone"});
        }
    }

    void check_replay() {
        const auto result = replay(log_, reported_);
        const auto* mismatches = std::get_if<std::vector<PcrMismatch>>(&result);
        if (mismatches == nullptr) {
            return;
        }
        for (const PcrMismatch& m : *mismatches) {
            const auto show = [](const std::vector<std::byte>& value) {
                return value.empty() ? std::string{"no value"} : to_hex(value);
            };
            add({{},
                 "PCR " + std::to_string(m.pcr.value()) + " " + std::string{to_name(m.bank)},
                 {},
                 show(m.replayed) + " by the log",
                 show(m.reported) + " in the TPM: the log is not what was extended"});
        }
    }

    void check_events() {
        std::vector<const ReferenceEvent*> expected;
        for (const ReferenceEvent& e : reference_.events) {
            if (e.subject != Subject::Mirror) {
                expected.push_back(&e);
            }
        }
        std::vector<const RawEvent*> found;
        for (const RawEvent& e : log_.events()) {
            if (!is_mirror(e.pcr, e.claimed_type)) {
                found.push_back(&e);
            }
        }
        const std::vector<Pair> pairs = align(expected, found);
        for (const Turn turn : {Turn::Blobs, Turn::Texts, Turn::Unexpected}) {
            for (const Pair& pair : pairs) {
                if (turn_of(pair) == turn) {
                    add_all(explain(pair));
                }
            }
        }
    }

    // Texts name the same artefacts as blobs again. Of what nobody expects there may be any number.
    enum class Turn { Blobs, Texts, Unexpected };
    static Turn turn_of(const Pair& pair) {
        if (pair.expected == nullptr) {
            return Turn::Unexpected;
        }
        const Subject subject = pair.expected->subject;
        const bool is_text = subject == Subject::Hypervisor || subject == Subject::Configuration;
        return is_text ? Turn::Texts : Turn::Blobs;
    }

    void add_all(std::vector<Difference> differences) {
        for (Difference& d : differences) {
            const auto is_same = [&d](const Difference& k) {
                return k.domain == d.domain && k.item == d.item;
            };
            const bool is_said_by_blob =
                (d.item == "kernel" || d.item == "initrd") &&
                std::any_of(differences_.begin(), differences_.end(), is_same);
            if (!is_said_by_blob) {
                add(std::move(d));
            }
        }
    }

    // The mirror PCR holds exactly the digests of the other two, in the same order.
    void check_mirror() {
        std::vector<const RawEvent*> originals;
        std::vector<const RawEvent*> mirrors;
        for (const RawEvent& e : log_.events()) {
            if (is_mirror(e.pcr, e.claimed_type)) {
                mirrors.push_back(&e);
            } else if (e.claimed_type != EventType::EV_SEPARATOR) {
                originals.push_back(&e);
            }
        }
        const std::string item = "mirror in PCR " + std::to_string(reference_.mirror_pcr.value());
        if (!reference_.mirror || mirrors.empty()) {
            if (reference_.mirror != !mirrors.empty()) {
                add({{},
                     item,
                     {},
                     reference_.mirror ? "every event again, or PCR 20 to 22 as a TPM starts them"
                                       : "no event",
                     std::to_string(mirrors.size()) + " events"});
            }
            return;
        }
        for (size_t i = 0; i < std::max(originals.size(), mirrors.size()); ++i) {
            const auto show = [i](const std::vector<const RawEvent*>& events) {
                return i < events.size() ? describe(events[i]->digests) : "nothing";
            };
            if (i >= originals.size() || i >= mirrors.size() ||
                originals[i]->digests != mirrors[i]->digests) {
                const RawEvent& at = i < originals.size() ? *originals[i] : *mirrors[i];
                add({{},
                     item,
                     {},
                     show(originals) + " of record " + std::to_string(at.index),
                     show(mirrors)});
                return;  // what follows is shifted
            }
        }
    }

    // Follows from the rest; checked again because it is the statement that counts.
    void check_pcrs() {
        for (const auto& [pcr, value] : reference_.pcrs) {
            const auto found = reported_.find(pcr);
            const DigestSet expected = value.only(log_.banks());
            if ((found == reported_.end() || found->second != expected) && differences_.empty()) {
                add({{},
                     "PCR " + std::to_string(pcr.value()),
                     {},
                     describe(expected),
                     found == reported_.end() ? "no value" : describe(found->second)});
            }
        }
    }

    void check_bytes() {
        if (differences_.empty() && log_.bytes() != to_log(reference_, log_.banks())) {
            add({{}, "event log", {}, "the predicted bytes", "others of the same meaning"});
        }
    }

    // Domains in manifest order, then what concerns the launch as a whole.
    std::vector<Difference> in_order() {
        const auto rank = [this](const Difference& d) {
            const auto at =
                std::find(reference_.domains.begin(), reference_.domains.end(), d.domain);
            return std::pair{d.domain.empty(), at - reference_.domains.begin()};
        };
        std::stable_sort(
            differences_.begin(), differences_.end(),
            [&](const Difference& a, const Difference& b) { return rank(a) < rank(b); });
        return std::move(differences_);
    }

    // More than anybody reads. A log can hold any number of them, and each is compared with all
    // before it.
    static constexpr size_t max_differences = 1000;

    const RawLog& log_;
    const PcrValues& reported_;
    const ReferenceValues& reference_;
    std::vector<Difference> differences_;
    size_t omitted_ = 0;
};

}  // namespace

std::string to_line(const Difference& d) {
    std::string line =
        d.domain.empty() ? std::string{"launch"} : "domain \"" + printable(d.domain) + "\"";
    line += ": " + printable(d.item);
    if (!d.path.empty()) {
        line += ": " + printable(d.path);
    }
    return line + ": expected " + printable(d.expected) + ", found " + printable(d.found);
}

std::string_view to_string(DomainVerdict verdict) {
    switch (verdict) {
        case DomainVerdict::Matches:
            return "matches";
        case DomainVerdict::Differs:
            return "differs";
        case DomainVerdict::Unproven:
            return "unproven";
    }
    return "?";
}

// A log that does not replay, another builder or an event that nobody expects puts every domain in
// doubt. Another launch.lcm does not: the manifest of some other domain changes it, and what domB
// made of it is in the texts.
DomainVerdict Verdict::of(std::string_view domain) const {
    bool is_in_doubt = false;
    for (const Difference& d : differences) {
        if (!domain.empty() && d.domain == domain) {
            return DomainVerdict::Differs;
        }
        is_in_doubt |= d.domain.empty() && d.item != to_string(Subject::Lcm);
    }
    return is_in_doubt ? DomainVerdict::Unproven : DomainVerdict::Matches;
}

namespace {

// PCRs of locality 2 that a plan can name for the mirror (launch-config/binding/decode.cpp).
constexpr uint32_t first_mirror_pcr = 20;
constexpr uint32_t last_mirror_pcr = 22;

// A launch without locality 2 logs nothing outside the PCRs of texts and blobs, and the PCRs of
// locality 2 still have the ones they start with. Where locality 2 works hv has reset one of them
// to zeros, and only a restart of the TPM brings the ones back. All are looked at: a launch by
// another plan has reset another one, and left the PCRs of this plan to whoever has the TPM.
bool is_mirror_absent(const RawLog& log, const PcrValues& reported,
                      const ReferenceValues& reference) {
    DigestSet untouched;
    for (const Algorithm a : all_algorithms) {
        if (log.banks().has(a)) {
            untouched.set(a, std::vector<std::byte>(digest_bytes(a), std::byte{0xff}));
        }
    }
    for (uint32_t pcr = first_mirror_pcr; pcr <= last_mirror_pcr; ++pcr) {
        const auto value = reported.find(hv::PcrIndex{pcr});
        if (value == reported.end() || value->second != untouched) {
            return false;
        }
    }
    return std::all_of(log.events().begin(), log.events().end(), [&](const RawEvent& e) {
        return e.pcr == reference.text_pcr || e.pcr == reference.blobs_pcr;
    });
}

}  // namespace

Verdict verify(const RawLog& log, const PcrValues& reported, const ReferenceValues& reference) {
    if (reference.mirror && is_mirror_absent(log, reported, reference)) {
        Verdict verdict = Verifier{log, reported, without_mirror(reference)}.run();
        verdict.mirror_absent = true;
        return verdict;
    }
    return Verifier{log, reported, reference}.run();
}

}  // namespace measure
