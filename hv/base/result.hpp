// SPDX-License-Identifier: Apache-2.0
// Result<T, E>: the value of a function that can fail, or the reason why it did not produce one.
// Used by every part of the project, freestanding or not. TRY passes an error to the caller.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

namespace hv {

// The error half of a Result before the value type is known: `return Err{Error::NoMemory};`.
template <class E>
struct Err {
    E error;
};
template <class E>
Err(E) -> Err<E>;

// The value half of Result<void, E>.
struct Ok {};

template <class T, class E>
class [[nodiscard]] Result {
  public:
    Result(T value) : ok_{true} { new (&value_) T(std::move(value)); }
    template <class F>
    Result(Err<F> err) : error_{std::move(err.error)}, ok_{false} {}
    Result(Result&& other) noexcept : ok_{other.ok_} {
        if (ok_) {
            new (&value_) T(std::move(other.value_));
        } else {
            new (&error_) E(std::move(other.error_));
        }
    }
    Result(const Result&) = delete;
    Result& operator=(const Result&) = delete;
    Result& operator=(Result&&) = delete;
    ~Result() {
        if (ok_) {
            value_.~T();
        } else {
            error_.~E();
        }
    }

    [[nodiscard]] bool ok() const { return ok_; }
    // Defined only when !ok().
    [[nodiscard]] const E& error() const { return error_; }
    // Moves the value out; defined only when ok().
    [[nodiscard]] T take() { return std::move(value_); }
    // The value in place; defined only when ok().
    [[nodiscard]] const T& value() const { return value_; }

  private:
    union {
        T value_;
        E error_;
    };
    bool ok_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
  public:
    constexpr Result(Ok) : ok_{true} {}
    constexpr Result() : ok_{true} {}
    template <class F>
    constexpr Result(Err<F> err) : error_{std::move(err.error)}, ok_{false} {}

    [[nodiscard]] constexpr bool ok() const { return ok_; }
    [[nodiscard]] constexpr const E& error() const { return error_; }
    constexpr void take() {}

  private:
    E error_{};
    bool ok_;
};

// The same value, or `error` whatever the reason was.
template <class T, class E, class F>
Result<T, F> with_error(Result<T, E> result, F error) {
    if (!result.ok()) {
        return Err{error};
    }
    if constexpr (std::is_void_v<T>) {
        return Ok{};
    } else {
        return result.take();
    }
}

}  // namespace hv

// Evaluates a Result; gives its value, or returns its error from the enclosing function.
#define TRY(expression)                            \
    ({                                             \
        auto try_result_ = (expression);           \
        if (!try_result_.ok()) {                   \
            return ::hv::Err{try_result_.error()}; \
        }                                          \
        try_result_.take();                        \
    })
