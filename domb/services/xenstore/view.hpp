// SPDX-License-Identifier: Apache-2.0
// View: the store as one request sees it, that is directly or through the request's transaction.
#pragma once

#include "domb/services/xenstore/store.hpp"
#include "domb/services/xenstore/transaction.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace xenstore {

class View {
  public:
    // `transaction` may be null.
    View(Store& store, TransactionState* transaction) : store_{store} {
        if (transaction != nullptr) {
            overlay_.emplace(store, *transaction);
        }
    }

    struct Found {
        bool exists = false;
        PermissionList permissions{};  // of the node, or of the last one above it that exists
        Block node{};                  // of it, without a transaction
        Overlay::Place place{};        // of it, in a transaction
    };
    // Fails only when the transaction's limits are reached.
    Result<Found> find(std::string_view path) {
        if (overlay_) {
            const Overlay::Nearest nearest = TRY(overlay_->find(path));
            return Found{.exists = nearest.is_it,
                         .permissions = overlay_->permissions(nearest.place),
                         .place = nearest.place};
        }
        const Store::Nearest nearest = store_.find(path);
        return Found{.exists = nearest.is_it,
                     .permissions = store_.permissions(nearest.node),
                     .node = nearest.node};
    }

    // The rest is for nodes that exist.
    [[nodiscard]] Bytes value(const Found& found) const {
        return overlay_ ? overlay_->value(found.place) : store_.tree().at(found.node).value;
    }
    // A number that is another one when the node or its list of children has changed.
    [[nodiscard]] uint64_t generation(const Found& found) const {
        if (overlay_) {
            return overlay_->generation(found.place);
        }
        const Node& node = store_.tree().at(found.node);
        return std::max(node.generation, node.children_generation);
    }
    template <class Sink>
    void for_each_child(const Found& found, Sink&& sink) {
        if (overlay_) {
            overlay_->for_each_child(found.place, sink);
            return;
        }
        const Tree& tree = store_.tree();
        for (Block c = tree.at(found.node).first_child; c != no_block; c = tree.at(c).next) {
            sink(tree.at(c).name);
        }
    }
    Done set_value(const Found& found, std::string_view value) {
        return overlay_ ? overlay_->set_value(found.place, value)
                        : store_.set_value(found.node, value);
    }
    Done set_permissions(const Found& found, const PermissionList& list) {
        return overlay_ ? overlay_->set_permissions(found.place, list)
                        : store_.set_permissions(found.node, list);
    }
    void remove(const Found& found) {
        overlay_ ? overlay_->remove(found.place) : store_.remove(found.node);
    }

    // For a node that does not.
    Done create(const Path& path, const Actor& actor, std::string_view value) {
        return overlay_ ? overlay_->create(path, actor, value) : store_.create(path, actor, value);
    }

  private:
    Store& store_;
    std::optional<Overlay> overlay_;
};

}  // namespace xenstore
