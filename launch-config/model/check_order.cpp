// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/check_order.hpp"

#include "launch-config/binding/canonical.hpp"
#include "launch-config/model/defaults.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace launch::model {
namespace {

// What waits for what: of each domain its start and its readiness. A domain starts when those it is
// after are ready; one whose disks come from a domain that starts later is refused as well, because
// few kernels get far without. It is ready when it has started, and, if it must be connected, so
// have all its back ends.
class Waits {
  public:
    explicit Waits(const Manifest& manifest) : manifest_{manifest} {
        for (size_t i = 0; i < manifest.domains.size(); ++i) {
            index_.try_emplace(manifest.domains[i].name.value, i);
        }
        for (const DomainSpec& domain : manifest.domains) {
            add(domain);
        }
    }

    // Whether the start of `domain` waits for the readiness of `other`, and that for the start.
    [[nodiscard]] bool is_circle(const DomainSpec& domain, const std::string& other) const {
        const auto found = index_.find(other);
        return found != index_.end() && waits(ready_of(found->second), start_of(domain));
    }
    // Whether the start of a domain that serves `domain` waits for that of the domain.
    [[nodiscard]] bool is_circle_of_disk(const DomainSpec& domain,
                                         const std::string& backend) const {
        const auto found = index_.find(backend);
        return found != index_.end() && waits(2 * found->second, start_of(domain));
    }

  private:
    [[nodiscard]] size_t start_of(const DomainSpec& domain) const {
        return 2 * index_.at(domain.name.value);
    }
    [[nodiscard]] static size_t ready_of(size_t index) { return 2 * index + 1; }

    void add(const DomainSpec& domain) {
        const size_t start = start_of(domain);
        const size_t ready = start + 1;
        edges_[ready].push_back(start);
        for (const auto& other : domain.after) {
            if (const auto found = index_.find(other.value); found != index_.end()) {
                edges_[start].push_back(ready_of(found->second));
            }
        }
        for (const DiskSpec& disk : domain.disks) {
            if (disk.backend.value != domain.name.value) {  // which check_devices reports
                add_backend(start, disk.backend.value);
            }
        }
        if (domain.ready.when.value == ReadyWhen::Connected) {
            for (const NetSpec& net : domain.nets) {
                add_backend(ready, net.backend.value);
            }
            for (const ChannelSpec& channel : domain.channels) {
                add_backend(ready, std::string{backend_of(manifest_, domain, channel)});
            }
        }
    }

    void add_backend(size_t from, const std::string& name) {
        if (const auto found = index_.find(name); found != index_.end()) {
            edges_[from].push_back(2 * found->second);
        }
    }

    [[nodiscard]] bool waits(size_t from, size_t wanted) const {
        std::set<size_t> seen;
        std::vector<size_t> left{from};
        while (!left.empty()) {
            const size_t at = left.back();
            left.pop_back();
            if (at == wanted) {
                return true;
            }
            if (const auto next = edges_.find(at); seen.insert(at).second && next != edges_.end()) {
                left.insert(left.end(), next->second.begin(), next->second.end());
            }
        }
        return false;
    }

    const Manifest& manifest_;
    std::map<std::string, size_t> index_;
    std::map<size_t, std::vector<size_t>> edges_;
};

class OrderChecker {
  public:
    OrderChecker(const Manifest& manifest, Diagnostics& diagnostics)
        : manifest_{manifest},
          diagnostics_{diagnostics},
          waits_{manifest},
          recovery_{holder_of(manifest, Role::Recovery)} {
        for (const DomainSpec& domain : manifest.domains) {
            names_.emplace_back(domain.name.value);
        }
    }

    void check(const DomainSpec& domain) {
        check_after(domain);
        check_circles(domain);
        check_special(domain);
        check_backends(domain);
        check_ready(domain);
        check_policy(domain.on_failure);
        check_policy(domain.on_crash);
        check_unmeasured(domain);
    }

  private:
    void check_after(const DomainSpec& domain) {
        if (domain.after.size() > max_after) {
            diagnostics_.add(domain.after[max_after].place, "is one domain too many to wait for",
                             "expected at most " + std::to_string(max_after));
        }
        std::map<std::string, std::string> seen;
        for (const At<std::string>& name : domain.after) {
            const auto [first, is_new] = seen.try_emplace(name.value, name.place.pointer);
            if (!is_new) {
                diagnostics_.add(name.place, "is also " + first->second, "expected each one once");
            } else if (name.value == domain.name.value) {
                diagnostics_.add(name.place, quote(name.value) + " is the domain itself",
                                 "expected another domain");
            } else if (std::find(names_.begin(), names_.end(), name.value) == names_.end()) {
                const auto meant = nearest(name.value, names_);
                diagnostics_.add(name.place, "no domain is named " + quote(name.value),
                                 meant ? "did you mean " + quote(*meant) + "?"
                                       : "expected the name of a domain");
            } else if (recovery_ != nullptr && name.value == recovery_->name.value) {
                diagnostics_.add(name.place,
                                 quote(name.value) + " is there for when the launch has failed",
                                 "expected a domain without the role \"recovery\"");
            }
        }
    }

    void check_circles(const DomainSpec& domain) {
        const auto report = [&](const At<std::string>& other) {
            diagnostics_.add(
                other.place,
                quote(domain.name.value) + " waits for itself through " + quote(other.value),
                "expected an order without a cycle");
        };
        for (const At<std::string>& other : domain.after) {
            if (other.value != domain.name.value && waits_.is_circle(domain, other.value)) {
                report(other);
            }
        }
        for (const DiskSpec& disk : domain.disks) {
            if (disk.backend.value != domain.name.value &&
                waits_.is_circle_of_disk(domain, disk.backend.value)) {
                report(disk.backend);
            }
        }
    }

    // Who carries out the order or is there only when it has failed is not part of it.
    void check_special(const DomainSpec& domain) {
        for (const At<Role>& role : domain.roles) {
            if (role.value == Role::Tpm) {
                continue;
            }
            const std::string holder = "the domain has the role " + quote(to_string(role.value));
            if (!domain.after.empty()) {
                diagnostics_.add(domain.after.front().place, holder,
                                 role.value == Role::Recovery
                                     ? "expected no \"after\": it starts when the launch has failed"
                                     : "expected no \"after\": others need it from the start");
            }
            if (role.value != Role::Recovery && role.value != Role::Launcher) {
                continue;
            }
            if (domain.ready.when.value != ReadyWhen::Started) {
                diagnostics_.add(domain.ready.place, holder,
                                 "expected no \"ready\": nobody waits for it");
            }
            for (const At<Policy>* policy : {&domain.on_failure, &domain.on_crash}) {
                if (policy->value != Policy::Ignore) {
                    diagnostics_.add(policy->place, holder,
                                     "expected no policy: there is nobody left to carry it out");
                }
            }
        }
    }

    void check_backend(const At<std::string>& backend) {
        if (recovery_ != nullptr && backend.value == recovery_->name.value) {
            diagnostics_.add(backend.place,
                             quote(backend.value) + " is there for when the launch has failed",
                             "expected a back end without the role \"recovery\"");
        }
    }

    void check_backends(const DomainSpec& domain) {
        for (const DiskSpec& disk : domain.disks) {
            check_backend(disk.backend);
        }
        for (const NetSpec& net : domain.nets) {
            check_backend(net.backend);
        }
        for (const ChannelSpec& channel : domain.channels) {
            check_backend(channel.backend);
        }
    }

    [[nodiscard]] bool serves(const DomainSpec& domain) const {
        const auto names_it = [&domain](const auto& device) {
            return device.backend.value == domain.name.value;
        };
        return std::any_of(
            manifest_.domains.begin(), manifest_.domains.end(), [&](const DomainSpec& d) {
                return std::any_of(d.disks.begin(), d.disks.end(), names_it) ||
                       std::any_of(d.nets.begin(), d.nets.end(), names_it) ||
                       std::any_of(d.channels.begin(), d.channels.end(), [&](const auto& channel) {
                           return backend_of(manifest_, d, channel) == domain.name.value;
                       });
            });
    }

    void check_ready(const DomainSpec& domain) {
        const At<ReadyWhen>& when = domain.ready.when;
        const bool has_devices =
            !domain.disks.empty() || !domain.nets.empty() || !domain.channels.empty();
        if (when.value == ReadyWhen::Serving && !serves(domain)) {
            diagnostics_.add(when.place, "the domain is no back end",
                             "expected a device of another domain that names it as \"backend\"");
        }
        if (when.value == ReadyWhen::Connected && !has_devices) {
            diagnostics_.add(when.place, "the domain has no devices",
                             "expected \"disks\", \"nets\" or \"channels\"");
        }
        if (when.value == ReadyWhen::Console && has_role(domain, Role::Console)) {
            diagnostics_.add(when.place, "it is the domain itself that drains the consoles",
                             "expected another readiness");
        }
        const DomainSpec* xenstore = holder_of(manifest_, Role::Xenstore);
        if (when.value != ReadyWhen::Started && xenstore != nullptr) {
            diagnostics_.add(when.place,
                             quote(to_string(when.value)) + " is not implemented yet where " +
                                 xenstore->place.pointer + " has the role \"xenstore\"",
                             "expected our Xenstore service: no domain with that role");
        }
    }

    void check_policy(const At<Policy>& policy) {
        if (policy.value == Policy::Recovery && recovery_ == nullptr) {
            diagnostics_.add(policy.place, "there is no recovery domain",
                             "expected a domain with the role \"recovery\"");
        }
    }

    // What is not measured may not have the TPM, which would vouch for it.
    void check_unmeasured(const DomainSpec& domain) {
        if (!domain.start_unmeasured.value) {
            return;
        }
        if (!has_role(domain, Role::Recovery)) {
            diagnostics_.add(domain.start_unmeasured.place, "it is not the recovery domain",
                             "expected the role \"recovery\", or no \"start-unmeasured\"");
        } else if (has_role(domain, Role::Tpm)) {
            diagnostics_.add(domain.start_unmeasured.place, "the domain has the role \"tpm\"",
                             "expected that role at another domain, or no \"start-unmeasured\"");
        }
    }

    const Manifest& manifest_;
    Diagnostics& diagnostics_;
    Waits waits_;
    const DomainSpec* recovery_;
    std::vector<std::string_view> names_;
};

}  // namespace

void check_order(const Manifest& manifest, Diagnostics& diagnostics) {
    OrderChecker checker{manifest, diagnostics};
    for (const DomainSpec& domain : manifest.domains) {
        checker.check(domain);
    }
}

}  // namespace launch::model
