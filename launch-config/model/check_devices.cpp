// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/check_devices.hpp"

#include "launch-config/model/defaults.hpp"

#include <algorithm>
#include <map>

namespace launch::model {
namespace {

// The service lets a domain own 1000 Xenstore nodes, and a back end has up to 31.
constexpr size_t most_served = 30;

class DeviceChecker {
  public:
    DeviceChecker(const Manifest& manifest, Diagnostics& diagnostics)
        : manifest_{manifest}, diagnostics_{diagnostics} {
        for (const DomainSpec& domain : manifest.domains) {
            names_.emplace_back(domain.name.value);
        }
    }

    void check(const DomainSpec& domain) {
        check_count(domain.disks, max_disks, "disk");
        check_count(domain.nets, max_nets, "network interface");
        check_count(domain.channels, max_channels, "channel");
        std::map<std::string, std::string> vdevs;
        for (const DiskSpec& disk : domain.disks) {
            check_repeated(vdevs, disk.vdev, disk.place, "the vdev");
            check_backend(domain, disk.backend);
            count_served(disk.backend);
        }
        for (size_t i = 0; i < domain.nets.size(); ++i) {
            check_address(domain, i);
            check_backend(domain, domain.nets[i].backend);
            count_served(domain.nets[i].backend);
        }
        std::map<std::string, std::string> channels;
        for (const ChannelSpec& channel : domain.channels) {
            check_repeated(channels, channel.name, channel.place, "the name");
            check_channel_backend(domain, channel);
            count_served({std::string{backend_of(manifest_, domain, channel)}, channel.place});
        }
    }

  private:
    template <class Spec>
    void check_count(const std::vector<Spec>& devices, size_t most, const std::string& what) {
        if (devices.size() > most) {
            diagnostics_.add(devices[most].place, "is one " + what + " too many",
                             "expected at most " + std::to_string(most) + " of a domain");
        }
    }

    // Empty: absent or malformed, and reported as such.
    void check_repeated(std::map<std::string, std::string>& known, const At<std::string>& text,
                        const Place& place, std::string_view what) {
        if (text.value.empty()) {
            return;
        }
        const auto [first, is_new] = known.try_emplace(text.value, place.pointer);
        if (!is_new) {
            diagnostics_.add(text.place, std::string{what} + " is also that of " + first->second,
                             "expected a different one");
        }
    }

    // True if that is another domain.
    bool check_backend(const DomainSpec& domain, const At<std::string>& backend) {
        if (backend.value.empty()) {
            return false;
        }
        if (backend.value == domain.name.value) {
            diagnostics_.add(backend.place, quote(backend.value) + " is the domain itself",
                             "expected another domain as its back end");
        } else if (std::find(names_.begin(), names_.end(), backend.value) == names_.end()) {
            const auto meant = nearest(backend.value, names_);
            diagnostics_.add(
                backend.place, "no domain is named " + quote(backend.value),
                meant ? "did you mean " + quote(*meant) + "?" : "expected the name of a domain");
        } else {
            return true;
        }
        return false;
    }

    void count_served(const At<std::string>& backend) {
        if (!backend.value.empty() && ++served_[backend.value] == most_served + 1) {
            diagnostics_.add(
                backend.place, quote(backend.value) + " serves one device too many with this one",
                "expected at most " + std::to_string(most_served) + " devices of one back end");
        }
    }

    void check_channel_backend(const DomainSpec& domain, const ChannelSpec& channel) {
        const DomainSpec* holder = holder_of(manifest_, Role::Console);
        const std::string_view server = holder == nullptr ? console_name : holder->name.value;
        const std::string_view backend = backend_of(manifest_, domain, channel);
        if (backend.empty() || (holder == &domain && backend == server)) {
            diagnostics_.add(channel.place, "nobody serves the channel",
                             "expected none: it is the domain itself that drains the consoles");
        } else if (backend != server) {
            if (check_backend(domain, channel.backend)) {
                diagnostics_.add(channel.backend.place, quote(backend) + " does not serve channels",
                                 "expected " + quote(server) + ", which drains the consoles");
            }
        }
    }

    // An address that was stated and one that is derived may be the same, too.
    void check_address(const DomainSpec& domain, size_t index) {
        const NetSpec& net = domain.nets[index];
        const Mac mac = mac_of(domain, index);
        const auto [first, is_new] = macs_.try_emplace(mac, net.place.pointer);
        if (!is_new) {
            diagnostics_.add(net.mac ? net.mac->place : net.place,
                             "the address " + format_mac(mac) + " is also that of " + first->second,
                             "expected a different \"mac\"");
        }
    }

    const Manifest& manifest_;
    Diagnostics& diagnostics_;
    std::vector<std::string_view> names_;
    std::map<Mac, std::string> macs_;
    std::map<std::string, size_t> served_;
};

}  // namespace

namespace {

// Only our service starts with the tree that describes them.
void check_xenstore(const Manifest& manifest, Diagnostics& diagnostics) {
    const DomainSpec* holder = holder_of(manifest, Role::Xenstore);
    for (const DomainSpec& domain : manifest.domains) {
        for (const At<std::string>& field : domain.device_fields) {
            if (holder != nullptr) {
                diagnostics.add(field.place,
                                "field " + quote(field.value) + " is not implemented yet where " +
                                    holder->place.pointer + " has the role \"xenstore\"",
                                "expected our Xenstore service: no domain with that role");
            }
        }
    }
}

}  // namespace

void check_devices(const Manifest& manifest, Diagnostics& diagnostics) {
    check_xenstore(manifest, diagnostics);
    DeviceChecker checker{manifest, diagnostics};
    for (const DomainSpec& domain : manifest.domains) {
        checker.check(domain);
    }
}

}  // namespace launch::model
