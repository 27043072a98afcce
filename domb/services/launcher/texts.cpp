// SPDX-License-Identifier: Apache-2.0
#include "domb/services/launcher/texts.hpp"

namespace launcher {
namespace {

// Values of the launch record have no spaces. What does not fit ends at a whole character.
class Value {
  public:
    explicit Value(hv::Text& out, size_t room) : out_{out}, room_{room} {}
    void put(std::string_view value) {
        for (const char c : value) {
            const bool is_plain = c > ' ' && c < 0x7f && c != '%' && c != '=';
            const size_t taken = is_plain ? 1 : 3;
            if (taken > room_) {
                room_ = 0;
                return;
            }
            room_ -= taken;
            if (is_plain) {
                out_.put(c);
            } else {
                out_.put('%').hex(static_cast<uint8_t>(c), 2);
            }
        }
    }

  private:
    hv::Text& out_;
    size_t room_;
};

constexpr size_t max_value = 320;  // of 500, for what stands before and behind it

void put_head(Line& out, std::string_view event, const Entry& entry) {
    out.put("event=").put(event).put(" domid=").dec(entry.domid).put(" name=");
    Value{out, sizeof(entry.name)}.put(text_of(entry.name));
}

std::string_view to_name(launch::ReadyWhen when) {
    switch (when) {
        case launch::ReadyWhen::Started:
            return "started";
        case launch::ReadyWhen::Serving:
            return "serving";
        case launch::ReadyWhen::Connected:
            return "connected";
        case launch::ReadyWhen::Xenstore:
            return "xenstore";
        case launch::ReadyWhen::Console:
            break;
    }
    return "console";
}

std::string_view to_name(launch::Policy policy) {
    switch (policy) {
        case launch::Policy::Ignore:
            return "ignore";
        case launch::Policy::Halt:
            return "halt";
        case launch::Policy::Recovery:
            break;
    }
    return "recovery";
}

}  // namespace

hv::Text& put_subject(hv::Text& out, const Entry& entry, std::string_view where) {
    out.put("domain \"").put(text_of(entry.name)).put("\" (").put(text_of(entry.path));
    return out.put(where).put("): ");
}

hv::Text& put_duration(hv::Text& out, uint32_t ms) {
    return ms % 1000 == 0 ? out.dec(ms / 1000).put(" s") : out.dec(ms).put(" ms");
}

void put_waiting(Line& out, const Plan& plan, const Entry& entry) {
    put_head(out, "domain-waiting", entry);
    out.put(" after=");
    Value names{out, max_value};
    bool is_first = true;
    for (Index i = 0; i < plan.entries.size(); ++i) {
        if ((entry.after >> i & 1) != 0) {
            names.put(is_first ? "" : ",");
            names.put(text_of(plan.entries[i].name));
            is_first = false;
        }
    }
}

void put_ready(Line& out, const Entry& entry) {
    put_head(out, "domain-ready", entry);
    out.put(" when=").put(to_name(ready_when(entry)));
}

void put_failed(Line& out, const Entry& entry, std::string_view reason, launch::Policy policy) {
    put_head(out, "domain-failed", entry);
    out.put(" reason=");
    Value{out, max_value}.put(reason);
    out.put(" policy=").put(to_name(policy));
}

}  // namespace launcher
