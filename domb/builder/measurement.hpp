// SPDX-License-Identifier: Apache-2.0
// Measurement: the events of the launch from domB's side, with the policy for a TPM that is absent
// or fails. Which events there are is measure/tcg/launch_events.hpp's business.
#pragma once

#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/launch_graph.hpp"
#include "measure/tcg/launch_events.hpp"
#include "measure/tpm/measured_log.hpp"

#include <optional>

namespace builder {

// Where events go: log and TPM (tpm_events.hpp), or the fake of the unit tests.
class Events {
  public:
    virtual hv::Result<void, measure::MeasureError> record(const measure::Event& event) = 0;
    // Bytes of the log in use.
    [[nodiscard]] virtual size_t log_used() const = 0;
    // Gives the TPM back idle; the last call.
    virtual void finish() = 0;

  protected:
    ~Events() = default;
};

// An artefact of a domain as it was delivered; no bytes and the digests of none if it was not.
struct Delivered {
    const launch::Artifact& artifact;
    uint64_t size_bytes = 0;
    measure::DigestSet digests;  // SHA-256 and every active bank
};

class Measurement {
  public:
    // `events` is null when nothing can or shall be measured; the log then stays as long as it is.
    Measurement(Events* events, const measure::EventPlan& plan, uint64_t log_used)
        : sink_{events},
          recorder_{sink_, plan},
          banks_{plan.banks},
          works_{events != nullptr},
          log_used_before_{log_used} {}

    // Each does nothing while works() is false, and ends works() if it fails.
    void domain(const launch::Domain& domain, const Delivered& kernel,
                const std::optional<Delivered>& initrd);
    void refusal(const launch::Domain& domain, std::string_view reason);
    // The separators, if everything is measured; then the TPM is given back in any case.
    void cap();

    // Everything up to now is measured.
    [[nodiscard]] bool works() const { return works_; }
    // Why works() has become false; empty if measuring never began.
    [[nodiscard]] const std::optional<measure::MeasureError>& error() const { return error_; }
    [[nodiscard]] uint64_t log_used() const {
        return sink_.events == nullptr ? log_used_before_ : sink_.events->log_used();
    }

  private:
    struct Sink {
        using Error = measure::MeasureError;
        hv::Result<void, Error> record(const measure::Event& event) {
            return events->record(event);
        }
        Events* events;
    };
    using Recorded = hv::Result<void, measure::MeasureError>;

    Recorded measure_domain(const launch::Domain& domain, const Delivered& kernel,
                            const std::optional<Delivered>& initrd);
    Recorded measure_blob(measure::BlobKind kind, const launch::Domain& domain,
                          const Delivered& blob);
    void note(const Recorded& result);

    Sink sink_;
    measure::LaunchRecorder<Sink> recorder_;
    measure::BankSet banks_;
    bool works_;
    uint64_t log_used_before_;
    std::optional<measure::MeasureError> error_;
};

}  // namespace builder
