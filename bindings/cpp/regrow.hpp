// regrow.hpp - processes, supervisors, registries, agents, tasks, groups and tables, for C++17 and later.
//
// One header over regrow.h, with no binary interface of its own: link with libregrow alone.
//
// Five rules cover the header.
//
//   Errors      Each function that can fail comes twice. `try_call` returns a `result`, which is a value or an `error`;
//               `call` returns the value, or throws the error. Compiled without exceptions there are only the former:
//               a program that keeps to them reads the same with and without. Never mixed in one program: functions of
//               the two kinds have different names for the linker.
//   Callbacks   What leaves a callback by `throw` ends its process, with the reason {exception, Type, What}: two texts.
//               `throw exit_with(reason)` ends it with that reason. A process that was killed in the middle of a
//               callback gets `killed` from the next call that may wait, which is no std::exception: let it pass.
//               Callbacks that belong to no process (log, undelivered, deliver, `then`, destructors) must not throw.
//   Values      What is sent is a `term`. Anything with a `codec` becomes one by itself, and is read back as its type:
//               numbers, bool, strings, atoms, pids, tuples, vectors, maps, optionals, variants, and your structs.
//   Ownership   term, runtime, entered, busy, request and task are moved, not copied, and clean up when they go. pid,
//               ref, table and the handles of registries, agents and the like are plain numbers. A `term_view` is
//               borrowed: good as long as the term it is of, in a callback until that returns.
//   Threads     As in regrow.h: any function from any thread, but two threads on one object. What may wait parks the
//               process whose callback it is; hold no lock over it. A `catch` is fine to wait in; what runs while an
//               exception is in flight, a destructor, gets REGROW_ERR_WOULD_BLOCK. std::future::get() and the like
//               block the thread and park nobody: in callbacks use `request` and `task`.
//
// Contents: ids and time . errors . terms . reading terms . codecs . addresses . messages and processes
//           the callback at hand . requests . servers and other children . supervisors . runtimes . registries
//           agents . tasks . groups and topics . tables
#ifndef REGROW_HPP
#define REGROW_HPP

#include <regrow.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

// 1: there are exceptions, and the functions that throw them.
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define REGROW_EXCEPTIONS 1
#define REGROW_NAMESPACE with_exceptions
#else
#define REGROW_EXCEPTIONS 0
#define REGROW_NAMESPACE without_exceptions
#endif

// The twin of try_NAME that throws. Those with a type parameter that is named: call<int>(...).
#if REGROW_EXCEPTIONS
#define REGROW_TWIN(qualifiers, name)                                                                                  \
    template <class... Given>                                                                                          \
    auto name(Given&&... given) qualifiers                                                                             \
    {                                                                                                                  \
        return try_##name(std::forward<Given>(given)...).value();                                                      \
    }
#define REGROW_STATIC_TWIN(name)                                                                                       \
    template <class... Given> static auto name(Given&&... given)                                                       \
    {                                                                                                                  \
        return try_##name(std::forward<Given>(given)...).value();                                                      \
    }
#define REGROW_TYPED_TWIN(qualifiers, name, default_type)                                                              \
    template <class Type = default_type, class... Given>                                                               \
    auto name(Given&&... given) qualifiers                                                                             \
    {                                                                                                                  \
        return try_##name<Type>(std::forward<Given>(given)...).value();                                                \
    }
#else
#define REGROW_TWIN(qualifiers, name)
#define REGROW_STATIC_TWIN(name)
#define REGROW_TYPED_TWIN(qualifiers, name, default_type)
#endif

namespace regrow {
inline namespace REGROW_NAMESPACE {

class term;
class term_view;
class error;
class table;
template <class T> class result;

/// How a T becomes a term and is read back. Specialise it for your types:
///
///     template <> struct regrow::codec<point> {
///         static regrow::term encode(const point& value);
///         static std::optional<point> decode(regrow::term_view term); // nullopt: it is none
///     };
///
/// For plain structs `record` writes both.
template <class T, class Enable = void> struct codec;

// ---- ids and time -------------------------------------------------------------------------------------------------

/// A process: a plain number, never reused. `pid()` is no process.
class pid {
public:
    constexpr pid() noexcept = default;
    constexpr pid(regrow_pid raw) noexcept : raw_(raw) {}
    constexpr operator regrow_pid() const noexcept { return raw_; }
    constexpr explicit operator bool() const noexcept { return raw_.id != 0; }
    constexpr regrow_pid raw() const noexcept { return raw_; }
    /// It says no only once everything that the process held is released.
    bool is_alive() const noexcept { return regrow_is_alive(raw_); }

    friend constexpr bool operator==(pid a, pid b) noexcept { return a.raw_.id == b.raw_.id; }
    friend constexpr bool operator!=(pid a, pid b) noexcept { return a.raw_.id != b.raw_.id; }
    friend constexpr bool operator<(pid a, pid b) noexcept { return a.raw_.id < b.raw_.id; }

private:
    regrow_pid raw_{0};
};

/// A reference: of a monitor, a timer, an alias.
class ref {
public:
    constexpr ref() noexcept = default;
    constexpr ref(regrow_ref raw) noexcept : raw_(raw) {}
    constexpr operator regrow_ref() const noexcept { return raw_; }
    constexpr explicit operator bool() const noexcept { return raw_.id != 0; }
    constexpr regrow_ref raw() const noexcept { return raw_; }

    friend constexpr bool operator==(ref a, ref b) noexcept { return a.raw_.id == b.raw_.id; }
    friend constexpr bool operator!=(ref a, ref b) noexcept { return a.raw_.id != b.raw_.id; }
    friend constexpr bool operator<(ref a, ref b) noexcept { return a.raw_.id < b.raw_.id; }

private:
    regrow_ref raw_{0};
};

/// How long something may take: any std::chrono duration, rounded up to milliseconds, or `infinity`. One below zero is
/// zero; one of more than 49 days is 49 days.
class time_limit {
public:
    template <class Rep, class Period>
    constexpr time_limit(std::chrono::duration<Rep, Period> duration) noexcept : milliseconds_(round_up(duration))
    {
    }
    static constexpr time_limit infinite() noexcept { return time_limit(REGROW_INFINITY); }
    constexpr std::uint32_t milliseconds() const noexcept { return milliseconds_; }

private:
    constexpr explicit time_limit(std::uint32_t milliseconds) noexcept : milliseconds_(milliseconds) {}

    template <class Rep, class Period>
    static constexpr std::uint32_t round_up(std::chrono::duration<Rep, Period> duration) noexcept
    {
        // Above it are the constants that mean something else.
        constexpr std::uint32_t longest = 0xFFFFFFF0;
        const long double exact = std::chrono::duration<long double, std::milli>(duration).count();
        if (!(exact > 0))
            return 0;
        if (exact >= static_cast<long double>(longest))
            return longest;
        const auto whole = static_cast<std::uint32_t>(exact);
        return static_cast<long double>(whole) < exact ? whole + 1 : whole;
    }

    std::uint32_t milliseconds_;
};

/// No limit.
inline constexpr time_limit infinity = time_limit::infinite();
/// What OTP gives a call.
inline constexpr time_limit default_limit = std::chrono::seconds(5);

// ---- errors -------------------------------------------------------------------------------------------------------

/// Why something failed: regrow.h's code, OTP's reason, a sentence. Copied cheaply.
class error : public std::exception {
public:
    /// What the caller's last failed call complained of, which returned `code`.
    static error last(regrow_error code);
    /// An error of the binding's own, or of yours.
    error(regrow_error code, term reason, std::string_view text);

    regrow_error code() const noexcept { return code_; }
    /// OTP's term for it: `noproc`, {already_started, Pid}, the reason of a process that ended.
    term_view reason() const noexcept;
    /// The code's name, the sentence and the reason.
    const char* what() const noexcept override;

private:
    struct details;
    regrow_error code_;
    std::shared_ptr<const details> details_;
};

/// Thrown by what may wait, in a callback whose process is dead. No std::exception, so that a handler of those does not
/// keep a dead process at work; whoever catches it with (...) should throw it on.
struct killed {};

namespace detail {

// Where C++ keeps a thread's exceptions: told to the library once, by whatever module has this header.
inline const regrow_error exceptions_are_kept =
    regrow_exception_globals([]() noexcept -> void* { return abi::__cxa_get_globals(); });

[[noreturn]] inline void fail(const error& why)
{
#if REGROW_EXCEPTIONS
    if (why.code() == REGROW_ERR_KILLED)
        throw killed();
    throw why;
#else
    std::fprintf(stderr, "regrow: the value of a failed result was asked for: %s\n", why.what());
    std::abort();
#endif
}

} // namespace detail

/// A T, or why there is none.
template <class T> class [[nodiscard]] result {
public:
    using value_type = T;

    template <class U = T, class = std::enable_if_t<std::is_convertible_v<U&&, T> &&
                                                     !std::is_same_v<std::decay_t<U>, result> &&
                                                     !std::is_same_v<std::decay_t<U>, ::regrow::error>>>
    result(U&& value) : either_(std::in_place_index<0>, std::forward<U>(value))
    {
    }
    result(::regrow::error why) : either_(std::in_place_index<1>, std::move(why)) {}

    bool has_value() const noexcept { return either_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    /// REGROW_OK when there is a value.
    regrow_error code() const noexcept { return has_value() ? REGROW_OK : error().code(); }
    /// Only when there is no value.
    const ::regrow::error& error() const noexcept { return *std::get_if<1>(&either_); }

    /// The value. Without one the error is thrown; compiled without exceptions the program ends with a message.
    T& value() &
    {
        if (!has_value())
            detail::fail(error());
        return **this;
    }
    const T& value() const&
    {
        if (!has_value())
            detail::fail(error());
        return **this;
    }
    T value() &&
    {
        if (!has_value())
            detail::fail(error());
        return std::move(**this);
    }
    /// The value, which must be there.
    T& operator*() & noexcept { return *std::get_if<0>(&either_); }
    const T& operator*() const& noexcept { return *std::get_if<0>(&either_); }
    T&& operator*() && noexcept { return std::move(*std::get_if<0>(&either_)); }
    T* operator->() noexcept { return std::get_if<0>(&either_); }
    const T* operator->() const noexcept { return std::get_if<0>(&either_); }
    template <class U> T value_or(U&& otherwise) &&
    {
        return has_value() ? std::move(**this) : static_cast<T>(std::forward<U>(otherwise));
    }

private:
    std::variant<T, ::regrow::error> either_;
};

/// Done, or why not.
template <> class [[nodiscard]] result<void> {
public:
    using value_type = void;

    result() noexcept = default;
    result(::regrow::error why) : why_(std::move(why)) {}

    bool has_value() const noexcept { return !why_; }
    explicit operator bool() const noexcept { return has_value(); }
    regrow_error code() const noexcept { return why_ ? why_->code() : REGROW_OK; }
    /// Only when it failed.
    const ::regrow::error& error() const noexcept { return *why_; }
    /// Nothing, or as in other results.
    void value() const
    {
        if (why_)
            detail::fail(*why_);
    }

private:
    std::optional<::regrow::error> why_;
};

namespace detail {

inline result<void> checked(regrow_error code)
{
    if (code != REGROW_OK)
        return error::last(code);
    return {};
}

/// What a plain number of the C header is here.
template <class Raw> struct public_type {
    using type = Raw;
};
template <> struct public_type<regrow_pid> {
    using type = pid;
};
template <> struct public_type<regrow_ref> {
    using type = ref;
};
template <> struct public_type<regrow_table> {
    using type = table;
};

/// The outcome of a C function that writes its value to an out-parameter.
template <class Raw, class Call> auto out(Call&& call) -> result<typename public_type<Raw>::type>
{
    Raw value{};
    if (const regrow_error code = call(&value))
        return error::last(code);
    return typename public_type<Raw>::type(value);
}

} // namespace detail

// ---- terms --------------------------------------------------------------------------------------------------------

/// An atom: a constant name, such as atom("ok").
class atom {
public:
    /// A literal, which is not copied.
    template <std::size_t size> constexpr atom(const char (&name)[size]) noexcept : name_(name, size - 1) {}
    /// A name that is not constant. Atoms are never freed: none that comes from outside the program.
    static atom named(const std::string& name);

    constexpr std::string_view name() const noexcept { return name_; }
    friend constexpr bool operator==(const atom& a, const atom& b) noexcept { return a.name_ == b.name_; }
    friend constexpr bool operator!=(const atom& a, const atom& b) noexcept { return a.name_ != b.name_; }
    friend constexpr bool operator<(const atom& a, const atom& b) noexcept { return a.name_ < b.name_; }

private:
    constexpr explicit atom(std::string_view name) noexcept : name_(name) {}
    template <class T, class> friend struct codec;

    /// NUL-terminated, for ever.
    std::string_view name_;
};

/// What can be read of a term: `term` and `term_view` have all of it. What is no such thing gives nullopt, false or an
/// invalid view.
template <class Self> class readable {
public:
    bool is_valid() const noexcept { return regrow_is_valid(at()); }
    bool is_nil() const noexcept { return regrow_is_nil(at()); }
    bool is_atom() const noexcept { return as_atom().has_value(); }
    bool is_atom(const char* name) const noexcept { return regrow_is_atom(at(), name); }
    bool is_int() const noexcept { return regrow_is_int(at()); }
    bool is_float() const noexcept { return regrow_is_float(at()); }
    bool is_bytes() const noexcept { return regrow_is_bytes(at()); }
    bool is_tuple() const noexcept { return regrow_is_tuple(at()); }
    bool is_list() const noexcept { return regrow_is_list(at()); }
    bool is_map() const noexcept { return regrow_is_map(at()); }
    bool is_pid() const noexcept { return regrow_is_pid(at()); }
    bool is_ref() const noexcept { return regrow_is_ref(at()); }
    bool is_resource() const noexcept { return regrow_is_resource(at()); }

    /// nullopt also when it does not fit.
    std::optional<std::int64_t> as_int() const noexcept { return read<std::int64_t>(regrow_as_int); }
    std::optional<double> as_float() const noexcept { return read<double>(regrow_as_float); }
    std::optional<bool> as_bool() const noexcept { return read<bool>(regrow_as_bool); }
    std::optional<pid> as_pid() const noexcept { return read<regrow_pid>(regrow_as_pid); }
    std::optional<ref> as_ref() const noexcept { return read<regrow_ref>(regrow_as_ref); }
    std::optional<void*> as_resource() const noexcept { return read<void*>(regrow_as_resource); }
    std::optional<atom> as_atom() const noexcept;
    /// Bytes or text. Good until this very object is moved or goes: short ones lie inside it.
    std::optional<std::string_view> as_bytes() const noexcept
    {
        const std::uint8_t* data = nullptr;
        std::size_t size = 0;
        if (!regrow_as_bytes(at(), &data, &size))
            return std::nullopt;
        return std::string_view(reinterpret_cast<const char*>(data), size);
    }

    /// How many items a tuple, a list or a map has; a list is counted one by one. 0 for all others.
    std::size_t size() const noexcept
    {
        std::size_t size = 0;
        if (!regrow_tuple_size(at(), &size) && !regrow_map_size(at(), &size))
            (void)regrow_list_length(at(), &size);
        return size;
    }
    /// An item of a tuple, from 0; invalid beyond the last.
    term_view operator[](std::size_t index) const noexcept;
    /// The first of a list, and the others; invalid when it is empty.
    term_view head() const noexcept;
    term_view tail() const noexcept;
    /// The value of a key of a map; invalid when there is none.
    term_view get(const term& key) const noexcept;
    /// A key of a map and its value, from 0, in Erlang's order; both invalid beyond the last.
    std::pair<term_view, term_view> entry(std::size_t index) const noexcept;

    /// The items of a list: for (term_view item : list.items()).
    auto items() const noexcept;

    /// As a T, if it is one.
    template <class T> std::optional<T> as() const
    {
        return codec<T>::decode(term_view(*static_cast<const Self*>(this)));
    }
    /// As a T; REGROW_ERR_WRONG_KIND if it is none.
    template <class T> result<T> try_to() const;
    REGROW_TYPED_TWIN(const, to, term)

    /// Another owner of the same value.
    term clone() const noexcept;
    /// As Erlang's ~w writes it.
    std::string print() const
    {
        std::string text(regrow_term_print(at(), nullptr, 0), '\0');
        regrow_term_print(at(), text.data(), text.size() + 1);
        return text;
    }
    /// In Erlang's External Term Format. REGROW_ERR_WRONG_KIND for what holds a resource.
    result<std::string> try_external() const;
    REGROW_TWIN(const, external)

private:
    const regrow_term* at() const noexcept { return static_cast<const Self*>(this)->raw(); }
    template <class T, class Read> std::optional<T> read(Read reads) const noexcept
    {
        T value{};
        if (!reads(at(), &value))
            return std::nullopt;
        return value;
    }
};

/// A term of somebody else's: borrowed, copied freely.
class term_view : public readable<term_view> {
public:
    /// The invalid one.
    constexpr term_view() noexcept = default;
    constexpr explicit term_view(const regrow_term* raw) noexcept : raw_(raw) {}
    // No other type is made a term for this.
    template <class Term, class = std::enable_if_t<std::is_same_v<Term, term>>>
    term_view(const Term& owned) noexcept : raw_(owned.raw())
    {
    }
    constexpr const regrow_term* raw() const noexcept { return raw_; }

private:
    const regrow_term* raw_ = nullptr;
};

/// A value: immutable, owned, moved. One that could not be made (text that is no UTF-8 in an atom, NaN) is invalid, and
/// every function refuses it.
class term : public readable<term> {
public:
    /// `[]`.
    constexpr term() noexcept : raw_{0, 0} {}
    /// Anything with a codec.
    template <class T, class = std::enable_if_t<!std::is_same_v<std::decay_t<T>, term>>,
              class = decltype(codec<std::decay_t<T>>::encode(std::declval<T&&>()))>
    term(T&& value) : term(codec<std::decay_t<T>>::encode(std::forward<T>(value)))
    {
    }
    term(term&& other) noexcept : raw_(std::exchange(other.raw_, regrow_term{0, 0})) {}
    term& operator=(term&& other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }
    term(const term&) = delete;
    term& operator=(const term&) = delete;
    ~term()
    {
        if ((raw_.meta | raw_.value) != 0) // what was moved is [], with which there is nothing to be done
            regrow_term_free(&raw_);
    }

    /// Takes over what a C function gave.
    static term own(regrow_term raw) noexcept
    {
        term made;
        made.raw_ = raw;
        return made;
    }
    /// Gives it to a C function, which frees it.
    regrow_term release() noexcept { return std::exchange(raw_, regrow_term{0, 0}); }
    constexpr const regrow_term* raw() const noexcept { return &raw_; }
    /// A place that a C function writes a term to; what was there is freed.
    regrow_term* place() noexcept
    {
        if ((raw_.meta | raw_.value) != 0)
            regrow_term_free(&raw_);
        return &raw_;
    }

    /// From Erlang's External Term Format; the bytes need not be trusted.
    static result<term> try_from_external(std::string_view bytes)
    {
        term made;
        if (const regrow_error code = regrow_term_decode(bytes.data(), bytes.size(), made.place()))
            return error::last(code);
        return made;
    }
#if REGROW_EXCEPTIONS
    static term from_external(std::string_view bytes) { return try_from_external(bytes).value(); }
#endif

private:
    regrow_term raw_;
};

static_assert(sizeof(term) == sizeof(regrow_term) && std::is_standard_layout_v<term>,
              "arrays of terms are regrow_terms");

// ---- errors, continued --------------------------------------------------------------------------------------------

struct error::details {
    term reason;
    std::string text;
};

inline error::error(regrow_error code, term reason, std::string_view text) : code_(code)
{
    std::string all = regrow_error_name(code);
    if (!text.empty())
        all.append(": ").append(text);
    all.append(" (").append(reason.print()).append(")");
    details_ = std::make_shared<const details>(details{std::move(reason), std::move(all)});
}

inline error error::last(regrow_error code)
{
    char text[256] = "";
    term reason;
    (void)regrow_last_error(text, sizeof text);
    (void)regrow_last_reason(reason.place());
    return error(code, std::move(reason), text);
}

inline term_view error::reason() const noexcept
{
    return details_->reason;
}

inline const char* error::what() const noexcept
{
    return details_->text.c_str();
}

/// Thrown in a callback: ends its process with this reason, as OTP's exit/1. No std::exception, for the same reason as
/// `killed`. Without exceptions: return context.stop(reason).
class exit_with {
public:
    explicit exit_with(term reason) : reason_(std::make_shared<const term>(std::move(reason))) {}
    term_view reason() const noexcept { return *reason_; }

private:
    std::shared_ptr<const term> reason_;
};

// ---- reading terms ------------------------------------------------------------------------------------------------

namespace detail {

/// The items of a list, one after the other; ends at what is no list.
class list_range {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = term_view;
        using difference_type = std::ptrdiff_t;
        using pointer = const term_view*;
        using reference = term_view;

        explicit iterator(const regrow_term* list) noexcept : list_(regrow_list_head(list) ? list : nullptr) {}
        term_view operator*() const noexcept { return term_view(regrow_list_head(list_)); }
        iterator& operator++() noexcept { return *this = iterator(regrow_list_tail(list_)); }
        friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.list_ == b.list_; }
        friend bool operator!=(const iterator& a, const iterator& b) noexcept { return a.list_ != b.list_; }

    private:
        const regrow_term* list_;
    };

    explicit list_range(const regrow_term* list) noexcept : list_(list) {}
    iterator begin() const noexcept { return iterator(list_); }
    iterator end() const noexcept { return iterator(nullptr); }

private:
    const regrow_term* list_;
};

} // namespace detail

template <class Self> term_view readable<Self>::operator[](std::size_t index) const noexcept
{
    return term_view(regrow_tuple_get(at(), index));
}

template <class Self> term_view readable<Self>::head() const noexcept
{
    return term_view(regrow_list_head(at()));
}

template <class Self> term_view readable<Self>::tail() const noexcept
{
    return term_view(regrow_list_tail(at()));
}

template <class Self> term_view readable<Self>::get(const term& key) const noexcept
{
    return term_view(regrow_map_get(at(), key.raw()));
}

template <class Self> std::pair<term_view, term_view> readable<Self>::entry(std::size_t index) const noexcept
{
    const regrow_term *key = nullptr, *value = nullptr;
    (void)regrow_map_at(at(), index, &key, &value);
    return {term_view(key), term_view(value)};
}

template <class Self> auto readable<Self>::items() const noexcept
{
    return detail::list_range(at());
}

template <class Self> term readable<Self>::clone() const noexcept
{
    return term::own(regrow_term_clone(at()));
}

template <class Self> result<std::string> readable<Self>::try_external() const
{
    term bytes;
    if (const regrow_error code = regrow_term_encode(at(), bytes.place()))
        return error::last(code);
    return std::string(*bytes.as_bytes());
}

/// Whether two terms are the same (`=:=`): 1 and 1.0 are not.
template <class A, class B> bool operator==(const readable<A>& a, const readable<B>& b) noexcept
{
    return regrow_term_equal(static_cast<const A&>(a).raw(), static_cast<const B&>(b).raw());
}
template <class A, class B> bool operator!=(const readable<A>& a, const readable<B>& b) noexcept
{
    return !(a == b);
}
/// Erlang's order of terms.
template <class A, class B> bool operator<(const readable<A>& a, const readable<B>& b) noexcept
{
    return regrow_term_compare(static_cast<const A&>(a).raw(), static_cast<const B&>(b).raw()) < 0;
}

// ---- codecs -------------------------------------------------------------------------------------------------------

namespace detail {

/// As a term; one that is somebody else's gets another owner.
template <class T> term encoded(T&& value)
{
    return codec<std::decay_t<T>>::encode(std::forward<T>(value));
}

template <std::size_t size> term tuple_of(std::array<term, size> items) noexcept
{
    return term::own(regrow_tuple(reinterpret_cast<regrow_term*>(items.data()), size));
}

inline term list_of(std::vector<term> items) noexcept
{
    return term::own(regrow_list(reinterpret_cast<regrow_term*>(items.data()), items.size()));
}

inline term map_of(std::vector<term> keys, std::vector<term> values) noexcept
{
    return term::own(regrow_map(reinterpret_cast<regrow_term*>(keys.data()),
                                reinterpret_cast<regrow_term*>(values.data()), keys.size()));
}

template <class Range> term list_from(const Range& range)
{
    std::vector<term> items;
    for (const auto& item : range)
        items.push_back(encoded(item));
    return list_of(std::move(items));
}

template <class Map> term map_from(const Map& map)
{
    std::vector<term> keys, values;
    for (const auto& [key, value] : map) {
        keys.push_back(encoded(key));
        values.push_back(encoded(value));
    }
    return map_of(std::move(keys), std::move(values));
}

} // namespace detail

/// A tuple of anything that has a codec: tuple(atom("ok"), 1).
template <class... Items> term tuple(Items&&... items)
{
    return detail::tuple_of(std::array<term, sizeof...(Items)>{detail::encoded(std::forward<Items>(items))...});
}

/// A list of anything that has a codec.
template <class... Items> term list(Items&&... items)
{
    std::array<term, sizeof...(Items)> made{detail::encoded(std::forward<Items>(items))...};
    return term::own(regrow_list(reinterpret_cast<regrow_term*>(made.data()), made.size()));
}

/// A map: map(std::pair(atom("a"), 1), std::pair(atom("b"), 2)). Of equal keys the last one wins.
template <class... Keys, class... Values> term map(std::pair<Keys, Values>... entries)
{
    std::array<term, sizeof...(Keys)> keys{detail::encoded(std::move(entries.first))...};
    std::array<term, sizeof...(Keys)> values{detail::encoded(std::move(entries.second))...};
    return term::own(regrow_map(reinterpret_cast<regrow_term*>(keys.data()),
                                reinterpret_cast<regrow_term*>(values.data()), keys.size()));
}

/// A pointer of yours in a term, within this program; `drop` gets it when the last clone is freed, on whatever thread.
inline term resource(void* pointer, regrow_drop_callback drop) noexcept
{
    return term::own(regrow_resource(pointer, drop));
}

template <> struct codec<term> {
    static term encode(term&& value) noexcept { return std::move(value); }
    static term encode(const term& value) noexcept { return value.clone(); }
    static std::optional<term> decode(term_view from) noexcept { return from.clone(); }
};

template <> struct codec<term_view> {
    static term encode(const term_view& value) noexcept { return value.clone(); }
    static std::optional<term_view> decode(term_view from) noexcept { return from; }
};

template <> struct codec<bool> {
    static term encode(bool value) noexcept { return term::own(regrow_bool(value)); }
    static std::optional<bool> decode(term_view from) noexcept { return from.as_bool(); }
};

/// Integers of every size; those that do not fit are none.
template <class T> struct codec<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
    static term encode(T value)
    {
        if constexpr (sizeof(T) == sizeof(std::int64_t) && std::is_unsigned_v<T>) {
            if (value > static_cast<T>(INT64_MAX))
                return encode_large(value);
        }
        return term::own(regrow_int(static_cast<std::int64_t>(value)));
    }
    static std::optional<T> decode(term_view from)
    {
        std::int64_t value = 0;
        if (!regrow_as_int(from.raw(), &value)) {
            if constexpr (sizeof(T) == sizeof(std::int64_t) && std::is_unsigned_v<T>)
                return from.is_int() ? decode_large(from) : std::nullopt;
            else
                return std::nullopt;
        }
        const T narrow = static_cast<T>(value);
        if (static_cast<std::int64_t>(narrow) != value || (narrow < T{}) != (value < 0))
            return std::nullopt;
        return narrow;
    }

private:
    // SMALL_BIG_EXT of Erlang's External Term Format: 8 bytes, not negative.
    static constexpr unsigned char head[] = {131, 110, 8, 0};

    static term encode_large(T value)
    {
        std::string bytes(reinterpret_cast<const char*>(head), sizeof head);
        for (unsigned at = 0; at < sizeof value; at++)
            bytes.push_back(static_cast<char>(value >> (8 * at)));
        return std::move(term::try_from_external(bytes)).value_or(term());
    }
    static std::optional<T> decode_large(term_view from)
    {
        const result<std::string> bytes = from.try_external();
        if (!bytes || bytes->size() != sizeof head + sizeof(T) || std::memcmp(bytes->data(), head, sizeof head) != 0)
            return std::nullopt;
        T value{};
        for (unsigned at = 0; at < sizeof value; at++)
            value |= static_cast<T>(static_cast<unsigned char>((*bytes)[sizeof head + at])) << (8 * at);
        return value;
    }
};

/// Enumerations as their numbers. Any number that fits is one: check what comes from outside.
template <class T> struct codec<T, std::enable_if_t<std::is_enum_v<T>>> {
    using number = std::underlying_type_t<T>;
    static term encode(T value) { return codec<number>::encode(static_cast<number>(value)); }
    static std::optional<T> decode(term_view from)
    {
        const std::optional<number> value = codec<number>::decode(from);
        return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;
    }
};

template <class T> struct codec<T, std::enable_if_t<std::is_floating_point_v<T>>> {
    static term encode(T value) noexcept { return term::own(regrow_float(static_cast<double>(value))); }
    static std::optional<T> decode(term_view from) noexcept
    {
        const std::optional<double> value = from.as_float();
        return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;
    }
};

template <> struct codec<atom> {
    static term encode(atom value) noexcept { return term::own(regrow_atom(value.name().data())); }
    static std::optional<atom> decode(term_view from) noexcept
    {
        const char* name = nullptr;
        if (!regrow_as_atom(from.raw(), &name))
            return std::nullopt;
        return atom(std::string_view(name));
    }
};

template <class Self> std::optional<atom> readable<Self>::as_atom() const noexcept
{
    return codec<atom>::decode(term_view(at()));
}

inline atom atom::named(const std::string& name)
{
    // The library's own copy of the name stays for ever. A name that is none is sent as it is, and refused then.
    return term::own(regrow_atom(name.c_str())).as_atom().value_or(atom(""));
}

/// Strings are bytes, as text is; whatever is in them.
template <> struct codec<std::string_view> {
    static term encode(std::string_view value) noexcept { return term::own(regrow_bytes(value.data(), value.size())); }
    /// Good as long as that very term.
    static std::optional<std::string_view> decode(term_view from) noexcept { return from.as_bytes(); }
};
template <> struct codec<std::string> {
    static term encode(const std::string& value) noexcept { return codec<std::string_view>::encode(value); }
    static std::optional<std::string> decode(term_view from)
    {
        const std::optional<std::string_view> value = from.as_bytes();
        return value ? std::optional<std::string>(std::in_place, *value) : std::nullopt;
    }
};
template <> struct codec<const char*> {
    static term encode(const char* value) noexcept { return term::own(regrow_text(value)); }
};
template <> struct codec<char*> : codec<const char*> {};

/// Bytes.
template <> struct codec<std::vector<std::byte>> {
    static term encode(const std::vector<std::byte>& value) noexcept
    {
        return term::own(regrow_bytes(value.data(), value.size()));
    }
    static std::optional<std::vector<std::byte>> decode(term_view from)
    {
        const std::optional<std::string_view> value = from.as_bytes();
        if (!value)
            return std::nullopt;
        const auto* first = reinterpret_cast<const std::byte*>(value->data());
        return std::vector<std::byte>(first, first + value->size());
    }
};

template <> struct codec<pid> {
    static term encode(pid value) noexcept { return term::own(regrow_from_pid(value)); }
    static std::optional<pid> decode(term_view from) noexcept { return from.as_pid(); }
};
template <> struct codec<regrow_pid> : codec<pid> {};
template <> struct codec<ref> {
    static term encode(ref value) noexcept { return term::own(regrow_from_ref(value)); }
    static std::optional<ref> decode(term_view from) noexcept { return from.as_ref(); }
};

/// nullopt is the atom `undefined`.
template <class T> struct codec<std::optional<T>> {
    static term encode(const std::optional<T>& value)
    {
        return value ? detail::encoded(*value) : term(atom("undefined"));
    }
    static std::optional<std::optional<T>> decode(term_view from)
    {
        if (from.is_atom("undefined"))
            return std::optional<std::optional<T>>(std::in_place);
        std::optional<T> value = codec<T>::decode(from);
        return value ? std::optional<std::optional<T>>(std::move(value)) : std::nullopt;
    }
};

template <class T> struct codec<std::vector<T>> {
    static term encode(const std::vector<T>& value) { return detail::list_from(value); }
    static std::optional<std::vector<T>> decode(term_view from)
    {
        std::size_t size = 0;
        if (!regrow_list_length(from.raw(), &size))
            return std::nullopt;
        std::vector<T> made;
        made.reserve(size);
        for (term_view item : from.items()) {
            std::optional<T> value = codec<T>::decode(item);
            if (!value)
                return std::nullopt;
            made.push_back(*std::move(value));
        }
        return made;
    }
};

template <class... T> struct codec<std::tuple<T...>> {
    static term encode(const std::tuple<T...>& value)
    {
        return std::apply([](const auto&... items) { return tuple(items...); }, value);
    }
    static std::optional<std::tuple<T...>> decode(term_view from)
    {
        std::size_t size = 0;
        if (!regrow_tuple_size(from.raw(), &size) || size != sizeof...(T))
            return std::nullopt;
        return all(std::index_sequence_for<T...>(), from);
    }

private:
    template <std::size_t... at>
    static std::optional<std::tuple<T...>> all(std::index_sequence<at...>, [[maybe_unused]] term_view from)
    {
        std::tuple<std::optional<T>...> parts;
        // In order, up to the first that is none.
        if (!(... && (std::get<at>(parts) = codec<T>::decode(from[at])).has_value()))
            return std::nullopt;
        return std::tuple<T...>(*std::get<at>(std::move(parts))...);
    }
};

template <class A, class B> struct codec<std::pair<A, B>> {
    static term encode(const std::pair<A, B>& value) { return tuple(value.first, value.second); }
    static std::optional<std::pair<A, B>> decode(term_view from)
    {
        auto both = codec<std::tuple<A, B>>::decode(from);
        if (!both)
            return std::nullopt;
        return std::pair<A, B>(std::get<0>(*std::move(both)), std::get<1>(*std::move(both)));
    }
};

namespace detail {

template <class Map> struct map_codec {
    static term encode(const Map& value) { return map_from(value); }
    static std::optional<Map> decode(term_view from)
    {
        if (!from.is_map())
            return std::nullopt;
        Map made;
        const std::size_t size = from.size();
        for (std::size_t at = 0; at < size; at++) {
            const auto [key, value] = from.entry(at);
            auto decoded_key = codec<typename Map::key_type>::decode(key);
            auto decoded = codec<typename Map::mapped_type>::decode(value);
            if (!decoded_key || !decoded)
                return std::nullopt;
            made.emplace(*std::move(decoded_key), *std::move(decoded));
        }
        return made;
    }
};

} // namespace detail

template <class K, class V, class... More>
struct codec<std::map<K, V, More...>> : detail::map_codec<std::map<K, V, More...>> {};
template <class K, class V, class... More>
struct codec<std::unordered_map<K, V, More...>> : detail::map_codec<std::unordered_map<K, V, More...>> {};

/// Whichever it is; read back as the first that it can be.
template <class... T> struct codec<std::variant<T...>> {
    static term encode(const std::variant<T...>& value)
    {
        return std::visit([](const auto& one) { return detail::encoded(one); }, value);
    }
    static std::optional<std::variant<T...>> decode(term_view from)
    {
        std::optional<std::variant<T...>> found;
        (void)(... || try_one<T>(from, found));
        return found;
    }

private:
    template <class One> static bool try_one(term_view from, std::optional<std::variant<T...>>& found)
    {
        std::optional<One> one = codec<One>::decode(from);
        if (one)
            found.emplace(*std::move(one));
        return found.has_value();
    }
};

/// A struct as {Tag, Member, ...}, or the atom Tag when it has no members:
///
///     template <> struct regrow::codec<point> : regrow::record<point, &point::x, &point::y> {
///         static constexpr const char* tag = "point";
///     };
///
/// The struct needs a default constructor.
template <class T, auto... members> struct record {
    static term encode(const T& value)
    {
        if constexpr (sizeof...(members) == 0)
            return (void)value, name();
        else
            return tuple(name(), value.*members...);
    }
    static std::optional<T> decode(term_view from)
    {
        if constexpr (sizeof...(members) == 0) {
            if (!from.is_atom(codec<T>::tag))
                return std::nullopt;
            return T{};
        } else {
            std::size_t size = 0;
            if (!regrow_tuple_size(from.raw(), &size) || size != sizeof...(members) + 1 ||
                !from[0].is_atom(codec<T>::tag))
                return std::nullopt;
            std::optional<T> made(std::in_place);
            std::size_t at = 0;
            if (!(... && set(*made, members, from[++at])))
                return std::nullopt;
            return made;
        }
    }

private:
    static term name() noexcept { return term::own(regrow_atom(codec<T>::tag)); }
    template <class Member> static bool set(T& made, Member T::*member, term_view from)
    {
        std::optional<Member> value = codec<Member>::decode(from);
        if (value)
            made.*member = *std::move(value);
        return value.has_value();
    }
};

/// {'DOWN', Ref, process, Pid, Reason}: what a monitor gives.
struct down {
    regrow::ref monitor;
    /// Of a monitor by address: the name, or {Registry, Key}.
    term who;
    term reason;

    regrow::pid process() const noexcept { return who.as_pid().value_or(regrow::pid()); }
};
template <> struct codec<down> {
    static std::optional<down> decode(term_view from)
    {
        const std::optional<ref> monitor = from[1].as_ref();
        if (from.size() != 5 || !from[0].is_atom("DOWN") || !monitor)
            return std::nullopt;
        return down{*monitor, from[3].clone(), from[4].clone()};
    }
};

/// {'EXIT', Pid, Reason}: what a link gives to who traps exits.
struct exited {
    regrow::pid process;
    term reason;
};
template <> struct codec<exited> {
    static std::optional<exited> decode(term_view from)
    {
        const std::optional<pid> process = from[1].as_pid();
        if (from.size() != 3 || !from[0].is_atom("EXIT") || !process)
            return std::nullopt;
        return exited{*process, from[2].clone()};
    }
};

/// {timeout, Ref, Message}: what start_timer() gives.
struct timed_out {
    ref timer;
    term message;
};
template <> struct codec<timed_out> {
    static std::optional<timed_out> decode(term_view from)
    {
        const std::optional<ref> timer = from[1].as_ref();
        if (from.size() != 3 || !from[0].is_atom("timeout") || !timer)
            return std::nullopt;
        return timed_out{*timer, from[2].clone()};
    }
};

template <class Self> template <class T> result<T> readable<Self>::try_to() const
{
    std::optional<T> value = as<T>();
    if (!value)
        return error(REGROW_ERR_WRONG_KIND, tuple(atom("undecodable"), clone()), "a term is not what was expected");
    return *std::move(value);
}

namespace detail {

/// What a C function gave, as a T.
template <class T> result<T> decoded(term&& given)
{
    static_assert(!std::is_same_v<T, term_view> && !std::is_same_v<T, std::string_view>,
                  "the term that this would be a view of is gone: ask for a term or a std::string");
    if constexpr (std::is_void_v<T>)
        return (void)given, result<void>();
    else if constexpr (std::is_same_v<T, term>)
        return std::move(given);
    else
        return given.template try_to<T>();
}

/// The outcome of a C function that writes a term to an out-parameter, as a T.
template <class T, class Call> result<T> term_out(Call&& call)
{
    term given;
    if (const regrow_error code = call(given.place()))
        return error::last(code);
    return decoded<T>(std::move(given));
}

/// Text for a C function; nullopt when there is a NUL in it, with which it would be another.
inline std::optional<const char*> c_text(const std::string& text) noexcept
{
    if (text.find('\0') != std::string::npos)
        return std::nullopt;
    return text.c_str();
}

inline error bad_text()
{
    return error(REGROW_ERR_ARGUMENT, atom("badarg"), "a text has a NUL in it");
}

} // namespace detail

// ---- addresses ----------------------------------------------------------------------------------------------------

/// Whom to talk to by name, or by a key in a registry, so that a restart is none of your business:
///
///     call(at("counter").in(runtime).wait(1s), next{})
///
/// In a callback and an entered thread `in` may be left out.
class address {
public:
    /// A local name: text, or any other term.
    static address name(term name)
    {
        address made;
        made.name_ = keep(std::move(name));
        return made;
    }
    /// A key in a registry, or that key's partition of a partition supervisor.
    static address key(pid registry, term key)
    {
        address made;
        made.registry_ = registry;
        made.key_ = keep(std::move(key));
        return made;
    }
    /// The same with the registry's own name.
    static address key(term registry, term key)
    {
        address made;
        made.registry_name_ = keep(std::move(registry));
        made.key_ = keep(std::move(key));
        return made;
    }

    /// The root, or any other process, of the runtime to look in.
    address& in(pid runtime) noexcept
    {
        runtime_ = runtime;
        return *this;
    }
    /// How long to wait for somebody to be there: through a restart. Else not at all.
    address& wait(time_limit limit) noexcept
    {
        wait_ms_ = limit.milliseconds();
        return *this;
    }
    /// The value beside the key, where the address is used to register.
    address& value(term value)
    {
        value_ = keep(std::move(value));
        return *this;
    }

    /// For a C function; good as long as this address is.
    regrow_address raw() const noexcept
    {
        regrow_address made{};
        made.size = sizeof made;
        made.runtime = runtime_;
        made.registry = registry_;
        made.key = pointer(key_);
        made.value = pointer(value_);
        made.wait_ms = wait_ms_;
        made.name_term = pointer(name_);
        made.registry_name_term = pointer(registry_name_);
        return made;
    }

private:
    using kept = std::shared_ptr<const term>;

    static kept keep(term given) { return std::make_shared<const term>(std::move(given)); }
    static const regrow_term* pointer(const kept& given) noexcept { return given ? given->raw() : nullptr; }

    pid runtime_, registry_;
    kept name_, registry_name_, key_, value_;
    std::uint32_t wait_ms_ = 0;
};

/// By a local name.
inline address at(term name)
{
    return address::name(std::move(name));
}
/// By a key in a registry, which goes by its pid or its name.
inline address via(pid registry, term key)
{
    return address::key(registry, std::move(key));
}
inline address via(term registry, term key)
{
    return address::key(std::move(registry), std::move(key));
}

/// A pid or an address, as a parameter.
class target {
public:
    target(regrow::pid pid) noexcept : pid_(pid) {}
    target(regrow_pid pid) noexcept : pid_(pid) {}
    target(const regrow::address& address) noexcept : address_(&address) {}

    /// Calls the one with the pid, or the other with the address.
    template <class ByPid, class ByAddress> auto reach(ByPid&& by_pid, ByAddress&& by_address) const
    {
        if (!address_)
            return by_pid(pid_.raw());
        const regrow_address raw = address_->raw();
        return by_address(&raw);
    }

private:
    regrow::pid pid_;
    const regrow::address* address_ = nullptr;
};

// ---- messages and processes ---------------------------------------------------------------------------------------

namespace detail {

struct declared;

template <class Request, class = void> struct reply_of {
    using type = term;
};
template <class Request> struct reply_of<Request, std::void_t<typename Request::reply>> {
    using type = typename Request::reply;
};

/// The reply that is asked for: a type that is named, or the request's `reply`, or a term.
template <class Reply, class Request>
using reply_type =
    std::conditional_t<std::is_same_v<Reply, declared>, typename reply_of<std::decay_t<Request>>::type, Reply>;

/// Runs functions of yours inside a C function: what they throw is kept, and thrown on once that has returned.
class carrier {
public:
    /// False when it threw, now or before; then it is not run again.
    template <class Work> bool run(Work&& work) noexcept
    {
#if REGROW_EXCEPTIONS
        if (thrown_)
            return false;
        try {
            work();
            return true;
        } catch (...) {
            thrown_ = std::current_exception();
            return false;
        }
#else
        work();
        return true;
#endif
    }
    void rethrow() const
    {
#if REGROW_EXCEPTIONS
        if (thrown_)
            std::rethrow_exception(thrown_);
#endif
    }

private:
#if REGROW_EXCEPTIONS
    std::exception_ptr thrown_;
#endif
};

/// A value on the heap, for a C function that gives it back with `drop`.
template <class T> struct owned {
    T value;
    static void drop(void* pointer) noexcept { delete static_cast<owned*>(pointer); }
    static owned& of(void* pointer) noexcept { return *static_cast<owned*>(pointer); }
};
template <class T> std::unique_ptr<owned<T>> own(T value)
{
    return std::unique_ptr<owned<T>>(new owned<T>{std::move(value)});
}

} // namespace detail

/// The calling process: that of this callback, or this entered thread. REGROW_ERR_CONTEXT on other threads.
inline result<pid> try_self()
{
    return detail::out<regrow_pid>([](auto* to) { return regrow_self(to); });
}
REGROW_TWIN(, self)

/// The root of the runtime that a process lives in.
inline result<pid> try_root(pid process)
{
    return detail::out<regrow_pid>([&](auto* to) { return regrow_root(process, to); });
}
REGROW_TWIN(, root)

/// Sends a message: a server's handle_info gets it, others receive it. To a pid that is dead it is dropped; an address
/// that leads to nobody is REGROW_ERR_NOT_FOUND. May wait for an address, and for a mailbox with REGROW_BLOCK.
inline result<void> try_send(const target& to, term message)
{
    return detail::checked(to.reach([&](regrow_pid pid) { return regrow_send(pid, message.release()); },
                                    [&](auto* address) { return regrow_send_at(address, message.release()); }));
}
REGROW_TWIN(, send)

/// The same message to many.
inline result<void> try_broadcast(const std::vector<pid>& to, const term& message)
{
    static_assert(sizeof(pid) == sizeof(regrow_pid) && std::is_standard_layout_v<pid>,
                  "arrays of pids are regrow_pids");
    return detail::checked(
        regrow_broadcast(message.raw(), reinterpret_cast<const regrow_pid*>(to.data()), to.size()));
}
REGROW_TWIN(, broadcast)

/// Takes the oldest message that `wanted` says yes to; it may not wait, and has no identity. A message
/// over which it throws is taken. May wait; needs an identity.
template <class Wanted> result<term> try_receive_if(Wanted&& wanted, time_limit limit = infinity)
{
    struct look {
        std::remove_reference_t<Wanted>& wanted;
        detail::carrier carrier;
    } mine{wanted, {}};
    auto matches = [](void* user, const regrow_term* seen) noexcept {
        auto& [function, carrier] = *static_cast<look*>(user);
        bool yes = false;
        return !carrier.run([&, &wanted = function] { yes = wanted(term_view(seen)); }) || yes;
    };
    term message;
    const regrow_error code = regrow_receive_match(matches, &mine, limit.milliseconds(), message.place());
    mine.carrier.rethrow();
    if (code)
        return error::last(code);
    return message;
}
REGROW_TWIN(, receive_if)

/// Takes the oldest message that is a T; the others stay, in their order. With term: the oldest of all. May wait; needs
/// an identity.
template <class T = term> result<T> try_receive(time_limit limit = infinity)
{
    if constexpr (std::is_same_v<T, term>) {
        return detail::term_out<term>([&](auto* to) { return regrow_receive(limit.milliseconds(), to); });
    } else {
        std::optional<T> found;
        const result<term> message =
            try_receive_if([&](term_view seen) { return (found = codec<T>::decode(seen)).has_value(); }, limit);
        if (!message)
            return message.error();
        return *std::move(found);
    }
}
REGROW_TYPED_TWIN(, receive, term)

/// Drops the messages that are there now; tells how many. Needs an identity.
inline result<std::size_t> try_flush()
{
    return detail::out<std::size_t>([](auto* to) { return regrow_flush(to); });
}
REGROW_TWIN(, flush)

/// Does nothing for a while of the runtime's clock; zero lets others run first. May wait.
inline result<void> try_sleep(time_limit duration)
{
    return detail::checked(regrow_sleep(duration.milliseconds()));
}
REGROW_TWIN(, sleep)

/// Sends an exit signal, by the rules of OTP's exit/2.
inline result<void> try_exit(pid process, term reason)
{
    return detail::checked(regrow_exit(process, reason.release()));
}
REGROW_TWIN(, exit)

/// As exit(), to an alias of a process; nothing happens when that was taken away. REGROW_PRIORITY, for an alias of that
/// kind: what comes of it goes before all ordinary messages.
inline result<void> try_exit_alias(pid process, ref alias, term reason, std::uint32_t flags = 0)
{
    return detail::checked(regrow_exit_alias(process, alias, reason.release(), flags));
}
REGROW_TWIN(, exit_alias)

/// Links the caller with a process. Needs an identity. With REGROW_PRIORITY as `flags`, the `exited` of this link goes
/// before all ordinary messages.
inline result<void> try_link(pid process, std::uint32_t flags = 0)
{
    return detail::checked(regrow_link_opt(process, flags));
}
REGROW_TWIN(, link)

inline result<void> try_unlink(pid process)
{
    return detail::checked(regrow_unlink(process));
}
REGROW_TWIN(, unlink)

/// Has the caller get a `down` once the process ends. Needs an identity.
inline result<ref> try_monitor(const target& process)
{
    return detail::out<regrow_ref>([&](auto* to) {
        return process.reach([&](regrow_pid pid) { return regrow_monitor(pid, to); },
                             [&](auto* address) { return regrow_monitor_at(address, to); });
    });
}
/// With REGROW_PRIORITY as `flags`, its `down` goes before all ordinary messages.
inline result<ref> try_monitor(pid process, std::uint32_t flags)
{
    return detail::out<regrow_ref>([&](auto* to) { return regrow_monitor_opt(process, flags, to); });
}
REGROW_TWIN(, monitor)

/// Takes a monitor away, and its `down` out of the mailbox unless it is to stay. False when it had fired, or never was.
inline result<bool> try_demonitor(ref monitor, bool flush = true)
{
    return detail::out<bool>([&](auto* to) { return regrow_demonitor(monitor, flush ? REGROW_FLUSH : 0, to); });
}
REGROW_TWIN(, demonitor)

/// Says whether exit signals to the caller become `exited` messages; tells how it was. Needs an identity.
inline result<bool> try_trap_exit(bool trap)
{
    return detail::out<bool>([&](auto* to) { return regrow_trap_exit(trap, to); });
}
REGROW_TWIN(, trap_exit)

/// A Ref that others can send to with send_alias() until it is taken away. Needs an identity. With REGROW_PRIORITY as
/// `flags`, what comes by it, and says so, goes before all ordinary messages.
inline result<ref> try_alias(std::uint32_t flags = 0)
{
    return detail::out<regrow_ref>([&](auto* to) { return regrow_alias_opt(flags, to); });
}
REGROW_TWIN(, alias)

inline result<bool> try_unalias(ref alias)
{
    return detail::out<bool>([&](auto* to) { return regrow_unalias(alias, to); });
}
REGROW_TWIN(, unalias)

inline result<void> try_send_alias(pid process, ref alias, term message, std::uint32_t flags = 0)
{
    return detail::checked(regrow_send_alias_opt(process, alias, message.release(), flags));
}
REGROW_TWIN(, send_alias)

/// Gives a process a local name, text or any other term, until it ends.
inline result<void> try_register_name(pid process, term name)
{
    return detail::checked(regrow_register_term(process, name.release()));
}
REGROW_TWIN(, register_name)

/// @param runtime  the root, or any other process, of the runtime meant.
inline result<void> try_unregister_name(pid runtime, const term& name)
{
    return detail::checked(regrow_unregister_term(runtime, name.raw()));
}
REGROW_TWIN(, unregister_name)

/// The process that goes by a local name now; REGROW_ERR_NOT_FOUND also between two lives.
inline result<pid> try_whereis(pid runtime, const term& name)
{
    return detail::out<regrow_pid>([&](auto* to) { return regrow_whereis_term(runtime, name.raw(), to); });
}
/// The process that an address leads to now. May wait, as long as that says.
inline result<pid> try_whereis(const address& where)
{
    const regrow_address raw = where.raw();
    return detail::out<regrow_pid>([&](auto* to) { return regrow_whereis_at(&raw, to); });
}
REGROW_TWIN(, whereis)

/// Sends a message after a while. A timer to a pid ends with that; one to an address outlasts a restart.
inline result<ref> try_send_after(const target& to, time_limit delay, term message)
{
    return detail::out<regrow_ref>([&](auto* timer) {
        return to.reach(
            [&](regrow_pid pid) { return regrow_send_after(pid, delay.milliseconds(), message.release(), timer); },
            [&](auto* address) {
                return regrow_send_after_at(address, delay.milliseconds(), message.release(), timer);
            });
    });
}
REGROW_TWIN(, send_after)

/// As send_after(); the message comes as `timed_out`.
inline result<ref> try_start_timer(pid process, time_limit delay, term message)
{
    return detail::out<regrow_ref>(
        [&](auto* timer) { return regrow_start_timer(process, delay.milliseconds(), message.release(), timer); });
}
REGROW_TWIN(, start_timer)

/// Sends a message again and again, without drift.
inline result<ref> try_send_interval(pid process, time_limit period, term message)
{
    return detail::out<regrow_ref>(
        [&](auto* timer) { return regrow_send_interval(process, period.milliseconds(), message.release(), timer); });
}
REGROW_TWIN(, send_interval)

/// Cancels a timer, and tells the time that was left. REGROW_ERR_NOT_FOUND when it has fired.
inline result<std::chrono::milliseconds> try_cancel_timer(pid runtime, ref timer)
{
    std::uint64_t left = 0;
    if (const regrow_error code = regrow_cancel_timer(runtime, timer, REGROW_FLUSH, &left))
        return error::last(code);
    return std::chrono::milliseconds(static_cast<std::int64_t>(left));
}
REGROW_TWIN(, cancel_timer)

/// The time a timer has left.
inline result<std::chrono::milliseconds> try_read_timer(pid runtime, ref timer)
{
    std::uint64_t left = 0;
    if (const regrow_error code = regrow_read_timer(runtime, timer, &left))
        return error::last(code);
    return std::chrono::milliseconds(static_cast<std::int64_t>(left));
}
REGROW_TWIN(, read_timer)

/// A label for people and tools. Needs an identity.
inline result<void> try_set_label(const term& label)
{
    return detail::checked(regrow_set_label(label.raw()));
}
REGROW_TWIN(, set_label)

/// What can be said of a process without asking it: a map (regrow_info()).
inline result<term> try_info(pid process)
{
    return detail::term_out<term>([&](auto* to) { return regrow_info(process, to); });
}
REGROW_TWIN(, info)

/// Tells a server something: its handle_cast gets it. Does not wait, but as send() does.
inline result<void> try_cast(const target& server, term message)
{
    return detail::checked(server.reach([&](regrow_pid pid) { return regrow_cast(pid, message.release()); },
                                        [&](auto* address) { return regrow_cast_at(address, message.release()); }));
}
REGROW_TWIN(, cast)

/// Asks a server and waits for its answer: a `Reply`, the request's `reply` if it declares one, else a term. An answer
/// that is none is REGROW_ERR_WRONG_KIND, {undecodable, Answer}. May wait.
template <class Reply = detail::declared, class Request>
result<detail::reply_type<Reply, Request>> try_call(const target& server, Request&& request,
                                                    time_limit limit = default_limit)
{
    term sent(std::forward<Request>(request));
    return detail::term_out<detail::reply_type<Reply, Request>>([&](auto* to) {
        return server.reach(
            [&](regrow_pid pid) { return regrow_call(pid, sent.release(), limit.milliseconds(), to); },
            [&](auto* address) { return regrow_call_at(address, sent.release(), limit.milliseconds(), to); });
    });
}
REGROW_TYPED_TWIN(, call, detail::declared)

/// Asks a process to end, after its `terminate`, and waits until it has. May wait.
inline result<void> try_stop(const target& process, term reason = atom("normal"), time_limit limit = infinity)
{
    return detail::checked(process.reach(
        [&](regrow_pid pid) { return regrow_stop(pid, reason.release(), limit.milliseconds()); },
        [&](auto* address) { return regrow_stop_at(address, reason.release(), limit.milliseconds()); }));
}
REGROW_TWIN(, stop)

/// The state of a process: of a server as its get_state() shows it. May wait.
template <class State = term> result<State> try_get_state(pid process, time_limit limit = default_limit)
{
    return detail::term_out<State>([&](auto* to) { return regrow_get_state(process, limit.milliseconds(), to); });
}
REGROW_TYPED_TWIN(, get_state, term)

inline result<void> try_replace_state(pid process, term state, time_limit limit = default_limit)
{
    return detail::checked(regrow_replace_state(process, state.release(), limit.milliseconds()));
}
REGROW_TWIN(, replace_state)

/// What there is to be known of a process, asked of it itself: a map (regrow_get_status()). May wait.
inline result<term> try_get_status(pid process, time_limit limit = default_limit)
{
    return detail::term_out<term>([&](auto* to) { return regrow_get_status(process, limit.milliseconds(), to); });
}
REGROW_TWIN(, get_status)

/// Has a process write to the log whatever comes in and goes out. May wait.
inline result<void> try_trace(pid process, bool on, time_limit limit = default_limit)
{
    return detail::checked(regrow_trace(process, on, limit.milliseconds()));
}
REGROW_TWIN(, trace)

/// Has a process handle nothing until resume(). May wait.
inline result<void> try_suspend(pid process, time_limit limit = default_limit)
{
    return detail::checked(regrow_suspend(process, limit.milliseconds()));
}
REGROW_TWIN(, suspend)

inline result<void> try_resume(pid process, time_limit limit = default_limit)
{
    return detail::checked(regrow_resume(process, limit.milliseconds()));
}
REGROW_TWIN(, resume)

// ---- the callback at hand -----------------------------------------------------------------------------------------

/// What a callback returns, to say what comes next: one of the constants below, or what its context gave.
class next {
public:
    constexpr explicit next(regrow_next raw, bool is_up = false) noexcept : raw_(raw), is_up_(is_up) {}
    constexpr regrow_next raw() const noexcept { return raw_; }
    /// Whether an init that returns it made a process.
    constexpr bool is_up() const noexcept { return is_up_; }

private:
    regrow_next raw_;
    bool is_up_;
};

/// init: the process is up.
inline constexpr next ready(REGROW_READY, true);
/// init: do not start it, and do not call that an error.
inline constexpr next ignore(REGROW_IGNORE);
/// handle_...: go on; a call is answered later, by context.defer().
inline constexpr next noreply(REGROW_NOREPLY);
/// Bodies, functions of agents, tasks: ended well.
inline constexpr next done(REGROW_DONE);

/// Whom to answer later. A plain number, good on any thread.
template <class Reply = term> class caller {
public:
    constexpr caller() noexcept = default;
    constexpr explicit caller(regrow_caller raw) noexcept : raw_(raw) {}
    constexpr regrow_caller raw() const noexcept { return raw_; }

    /// At most once. REGROW_ERR_NOT_FOUND when it was answered before, or its server has ended.
    result<void> try_answer(const Reply& answer) const { return checked(term(answer)); }
    template <class Answer> result<void> try_answer_with(Answer&& answer) const
    {
        return checked(term(std::forward<Answer>(answer)));
    }
    REGROW_TWIN(const, answer)

private:
    result<void> checked(term answer) const { return detail::checked(regrow_answer(raw_, answer.release())); }

    regrow_caller raw_{0, 0};
};

/// The callback at hand; good until it returns.
class context {
public:
    explicit context(regrow_context* raw) noexcept : raw_(raw) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    regrow_context* raw() const noexcept { return raw_; }

    /// Answers the call at hand.
    next reply(term answer) const noexcept { return next(regrow_reply(raw_, answer.release())); }
    /// Answers it and ends the server.
    next reply_stop(term answer, term reason) const noexcept
    {
        return next(regrow_reply_stop(raw_, answer.release(), reason.release()));
    }
    /// Ends the process. Any reason but `normal`, `shutdown` and {shutdown, _} is a crash to its supervisor.
    next stop(term reason) const noexcept { return next(regrow_stop_self(raw_, reason.release())); }
    /// As `then`, and has handle_continue called with `argument` before any message.
    next continue_with(next then, term argument) const noexcept
    {
        return next(regrow_continue(raw_, then.raw(), argument.release()), then.is_up());
    }
    /// As `then`, and has handle_info get the atom `timeout` when no message comes for so long.
    next idle_timeout(next then, time_limit limit) const noexcept
    {
        return next(regrow_idle_timeout(raw_, then.raw(), limit.milliseconds()), then.is_up());
    }
    /// Puts the answer to the call at hand off; return `noreply` then.
    template <class Reply = term> result<caller<Reply>> try_defer() const
    {
        regrow_caller whom{};
        if (const regrow_error code = regrow_defer(raw_, &whom))
            return error::last(code);
        return caller<Reply>(whom);
    }
    REGROW_TYPED_TWIN(const, defer, term)

private:
    regrow_context* raw_;
};

namespace detail {

#if REGROW_EXCEPTIONS
inline term text_or_bytes(std::string_view text) noexcept
{
    return term::own(regrow_bytes(text.data(), text.size()));
}

/// A type as a person would write it: without the namespace that is there for the linker.
inline std::string_view without_own_namespace(char* name) noexcept
{
    constexpr std::string_view own = "with_exceptions::";
    std::size_t size = std::strlen(name);
    for (char* at; (at = std::strstr(name, own.data())) != nullptr; size -= own.size())
        std::memmove(at, at + own.size(), std::strlen(at + own.size()) + 1);
    return {name, size};
}

/// {exception, Type, What} of what is being handled.
inline term reason_of_exception() noexcept
{
    const std::type_info* type = abi::__cxa_current_exception_type();
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> readable(
        type ? abi::__cxa_demangle(type->name(), nullptr, nullptr, &status) : nullptr, std::free);
    term name = text_or_bytes(readable ? without_own_namespace(readable.get()) : type ? type->name() : "foreign");
    try {
        throw;
    } catch (const exit_with& exit) {
        return exit.reason().clone();
    } catch (const std::exception& exception) {
        return tuple(atom("exception"), std::move(name), text_or_bytes(exception.what()));
    } catch (const char* text) {
        return tuple(atom("exception"), std::move(name), text_or_bytes(text ? text : ""));
    } catch (...) {
        return tuple(atom("exception"), std::move(name), text_or_bytes(""));
    }
}
#endif

/// The edge: runs what a callback of the library does, and turns what it throws into the process's reason.
template <class Work> regrow_next at_the_edge(regrow_context* context, Work&& work) noexcept
{
#if REGROW_EXCEPTIONS
    try {
        return work();
    } catch (const killed&) {
        return REGROW_NOREPLY; // it is dead: nobody looks at this
    } catch (...) {
        return regrow_stop_self(context, reason_of_exception().release());
    }
#else
    (void)context;
    return work();
#endif
}

/// Ends the process over an error that a callback returned, as if it had been thrown.
inline regrow_next stop_over(regrow_context* context, const error& why) noexcept
{
    return regrow_stop_self(context, tuple(atom("exception"), "regrow::error", why.what()).release());
}

template <class T> inline constexpr bool is_result = false;
template <class T> inline constexpr bool is_result<result<T>> = true;

/// What a callback returned, as what the library wants: a `next` as it is, an error as a crash, nothing as `otherwise`,
/// and a value as `take` does it.
template <class Work, class Take>
regrow_next next_of(regrow_context* context, next otherwise, Work&& work, Take&& take)
{
    using Given = std::decay_t<decltype(work())>;
    if constexpr (std::is_void_v<Given>) {
        work();
        return otherwise.raw();
    } else if constexpr (std::is_same_v<Given, next>) {
        return work().raw();
    } else if constexpr (is_result<Given>) {
        Given given = work();
        if (!given)
            return stop_over(context, given.error());
        if constexpr (std::is_void_v<typename Given::value_type>)
            return otherwise.raw();
        else
            return take(*std::move(given));
    } else {
        return take(work());
    }
}

/// The same where there is nothing to be done with a value.
template <class Work> regrow_next next_of(regrow_context* context, next otherwise, Work&& work)
{
    return next_of(context, otherwise, std::forward<Work>(work), [&](auto&&) { return otherwise.raw(); });
}

/// Calls with the context in front, if it takes that.
template <class F, class... Given> decltype(auto) with_context(F&& f, context& at_hand, Given&&... given)
{
    if constexpr (std::is_invocable_v<F, context&, Given...>)
        return f(at_hand, std::forward<Given>(given)...);
    else
        return f(std::forward<Given>(given)...);
}

} // namespace detail

// ---- requests -----------------------------------------------------------------------------------------------------

/// Something under way, whose outcome is a T: an answer, a start, an end. Given up when it goes.
template <class T = term> class request {
public:
    request() noexcept = default;
    explicit request(regrow_request* raw) noexcept : raw_(raw) {}
    regrow_request* raw() const noexcept { return raw_.get(); }
    regrow_request* release() noexcept { return raw_.release(); }
    explicit operator bool() const noexcept { return raw_ != nullptr; }

    /// Waits for the outcome. REGROW_ERR_TIMEOUT: it is still under way, if its own limit has not run out. May wait.
    result<T> try_wait(time_limit limit = infinity)
    {
        return detail::term_out<T>([&](auto* to) { return regrow_request_wait(raw_.get(), limit.milliseconds(), to); });
    }
    REGROW_TWIN(, wait)

    /// Has a function called with the outcome, a result<T>, from whatever thread it becomes known on; at once if it is.
    /// It must not throw, and should be short: it may run on a worker.
    template <class F> result<void> try_then(F f) &&
    {
        auto kept = detail::own(std::move(f));
        auto reply = [](void* user, regrow_error code, const regrow_term* outcome) noexcept {
            detail::owned<F>::of(user).value(outcome_of(code, outcome));
        };
        return detail::checked(regrow_on_reply(raw_.release(), reply, kept.release(), detail::owned<F>::drop));
    }
#if REGROW_EXCEPTIONS
    template <class F> void then(F f) && { std::move(*this).try_then(std::move(f)).value(); }

    /// The outcome as a future, which throws what went wrong.
    std::future<T> to_future() &&
    {
        std::promise<T> promise;
        std::future<T> future = promise.get_future();
        std::move(*this).then([promise = std::move(promise)](result<T> outcome) mutable {
            if (!outcome)
                promise.set_exception(std::make_exception_ptr(outcome.error()));
            else if constexpr (std::is_void_v<T>)
                promise.set_value();
            else
                promise.set_value(*std::move(outcome));
        });
        return future;
    }
#endif
    /// The outcome as a future of a result, which throws nothing.
    std::future<result<T>> to_result_future() &&
    {
        std::promise<result<T>> promise;
        std::future<result<T>> future = promise.get_future();
        (void)std::move(*this).try_then(
            [promise = std::move(promise)](result<T> outcome) mutable { promise.set_value(std::move(outcome)); });
        return future;
    }

private:
    static result<T> outcome_of(regrow_error code, const regrow_term* outcome)
    {
        if (code)
            return error(code, term_view(outcome).clone(), "the request failed");
        return detail::decoded<T>(term_view(outcome).clone());
    }

    struct give_up {
        void operator()(regrow_request* raw) const noexcept { regrow_request_free(raw); }
    };
    std::unique_ptr<regrow_request, give_up> raw_;
};

namespace detail {

template <class T, class Call> result<request<T>> requested(Call&& call)
{
    regrow_request* raw = nullptr;
    if (const regrow_error code = call(&raw))
        return error::last(code);
    return request<T>(raw);
}

template <class T> std::future<result<T>> settled_future(error why)
{
    std::promise<result<T>> promise;
    promise.set_value(std::move(why));
    return promise.get_future();
}

} // namespace detail

/// As call(), to be collected later: OTP's send_request. What cannot be done at once is an error here.
template <class Reply = detail::declared, class Request>
result<request<detail::reply_type<Reply, Request>>> try_send_request(const target& server, Request&& request,
                                                                     time_limit limit = default_limit)
{
    term sent(std::forward<Request>(request));
    return detail::requested<detail::reply_type<Reply, Request>>([&](auto** to) {
        return server.reach(
            [&](regrow_pid pid) { return regrow_call_async(pid, sent.release(), limit.milliseconds(), to); },
            [&](auto* address) { return regrow_call_async_at(address, sent.release(), limit.milliseconds(), to); });
    });
}
REGROW_TYPED_TWIN(, send_request, detail::declared)

/// As call(), as a future of a result. It is fulfilled on the thread that the answer becomes known on. Not to be waited
/// for in a callback, which it would block: there take send_request().
template <class Reply = detail::declared, class Request>
std::future<result<detail::reply_type<Reply, Request>>> try_call_async(const target& server, Request&& request,
                                                                       time_limit limit = default_limit)
{
    auto sent = try_send_request<Reply>(server, std::forward<Request>(request), limit);
    if (!sent)
        return detail::settled_future<detail::reply_type<Reply, Request>>(sent.error());
    return (*std::move(sent)).to_result_future();
}
#if REGROW_EXCEPTIONS
/// As call(), as a future that throws what went wrong; what cannot be done at once is thrown here. As try_call_async().
template <class Reply = detail::declared, class Request>
std::future<detail::reply_type<Reply, Request>> call_async(const target& server, Request&& request,
                                                           time_limit limit = default_limit)
{
    return send_request<Reply>(server, std::forward<Request>(request), limit).to_future();
}
#endif

/// As stop(), to be collected later.
inline result<request<void>> try_stop_async(pid process, term reason = atom("normal"), time_limit limit = infinity)
{
    return detail::requested<void>(
        [&](auto** to) { return regrow_stop_async(process, reason.release(), limit.milliseconds(), to); });
}
REGROW_TWIN(, stop_async)

// ---- servers ------------------------------------------------------------------------------------------------------
//
// A server is a class with the callbacks it has:
//
//     struct counter {
//         explicit counter(int from = 0);                    // runs in the process, at each start
//         regrow::next init(context&, term_view arg);        // after it, if it has to say more than "up"
//         int handle_call(add request);                      // from call(): what it returns is the reply
//         void handle_cast(reset);                           // from cast()
//         void handle_info(regrow::down message);            // any other message
//         void handle_continue(term_view argument);          // of context.continue_with()
//         void terminate(term_view reason);                  // the last, if it ends in order
//         term get_state() const;  bool replace_state(int);  // for get_state(), replace_state()
//     };
//
// Each may take a context& in front. What a message is comes from the parameter: a term_view takes all, any other type
// what its codec reads. For more than one type, overload the callback and list them in order:
//
//     using calls = regrow::messages<add, get>;              // also: casts, infos, continues
//
// A call that none takes ends the server with {bad_call, Request}, a cast with {bad_cast, Message}, as in Elixir; any
// other message is dropped. A callback may return nothing (a call is then answered with `ok`), a value, a result, or a
// `next`. What it throws, its constructor included, ends the server; what `terminate` throws is dropped.

/// The types of messages that an overloaded callback takes.
template <class... Types> struct messages {};

namespace detail {

/// What a function takes, with or without a context in front.
template <class... Args> struct parameters {
    using message = void;
    static constexpr std::size_t count = 0;
};
template <class Message> struct parameters<Message> {
    using message = std::decay_t<Message>;
    static constexpr std::size_t count = 1;
};
template <> struct parameters<context&> : parameters<> {};
template <class Message> struct parameters<context&, Message> : parameters<Message> {};
// Behind the state, as handlers that are lambdas have it.
template <class State, class Message> struct parameters<State&, Message> : parameters<Message> {};
template <class State, class Message> struct parameters<State&, context&, Message> : parameters<Message> {};
template <class State> struct parameters<State&, context&> : parameters<> {};

template <class F> struct signature;
#define REGROW_SIGNATURE(qualifiers)                                                                                   \
    template <class R, class C, class... Args> struct signature<R (C::*)(Args...) qualifiers> : parameters<Args...> {}
REGROW_SIGNATURE();
REGROW_SIGNATURE(const);
REGROW_SIGNATURE(noexcept);
REGROW_SIGNATURE(const noexcept);
REGROW_SIGNATURE(&);
REGROW_SIGNATURE(const&);
REGROW_SIGNATURE(& noexcept);
REGROW_SIGNATURE(const& noexcept);
#undef REGROW_SIGNATURE
template <class R, class... Args> struct signature<R (*)(Args...)> : parameters<Args...> {};
template <class R, class... Args> struct signature<R (*)(Args...) noexcept> : parameters<Args...> {};

/// The message type of a lambda or function.
template <class F, class = void> struct function_message : signature<F> {};
template <class F>
struct function_message<F, std::void_t<decltype(&F::operator())>> : signature<decltype(&F::operator())> {};

// For each callback: whether a class has a member of that name; which types of messages it takes: those it lists, or
// the one in the parameters of the only function of that name; and a call of it, with or without context and message.
#define REGROW_CALLBACK(name, list)                                                                                    \
    struct name##_name {                                                                                               \
        int name;                                                                                                      \
    };                                                                                                                 \
    template <class T> struct name##_twice : std::conditional_t<std::is_final_v<T>, context, T>, name##_name {};       \
    template <class T, class = void> struct name##_is_one : std::false_type {};                                        \
    template <class T> struct name##_is_one<T, std::void_t<decltype(&T::name)>> : std::true_type {};                   \
    template <class T, class = void> struct name##_is_listed : std::false_type {};                                     \
    template <class T> struct name##_is_listed<T, std::void_t<typename T::list>> : std::true_type {};                  \
    template <class T, class = void> struct has_##name : std::true_type {};                                            \
    template <class T> struct has_##name<T, std::void_t<decltype(&name##_twice<T>::name)>>                             \
        : std::bool_constant<name##_is_one<T>::value || name##_is_listed<T>::value> {};                                \
    template <class T, class = void> struct name##_messages {                                                          \
        static_assert(!has_##name<T>::value, #name " is private, overloaded or a template: list the types of "         \
                                                   "messages that it takes, using " #list " = regrow::messages<...>"); \
        using type = messages<>;                                                                                       \
    };                                                                                                                 \
    template <class T> struct name##_messages<T, std::enable_if_t<name##_is_listed<T>::value>> {                       \
        using type = typename T::list;                                                                                 \
    };                                                                                                                 \
    template <class T>                                                                                                 \
    struct name##_messages<T, std::enable_if_t<name##_is_one<T>::value && !name##_is_listed<T>::value>> {              \
        using type = messages<typename signature<decltype(&T::name)>::message>;                                        \
    };                                                                                                                 \
    template <class, class T, class... Given> struct name##_takes : std::false_type {};                                \
    template <class T, class... Given>                                                                                 \
    struct name##_takes<std::void_t<decltype(std::declval<T&>().name(std::declval<Given>()...))>, T, Given...>         \
        : std::true_type {};                                                                                           \
    template <class T, class Message> decltype(auto) do_##name(T& object, context& at_hand, Message&& message)         \
    {                                                                                                                  \
        (void)at_hand, (void)message;                                                                                  \
        if constexpr (name##_takes<void, T, context&, Message>::value)                                                 \
            return object.name(at_hand, std::forward<Message>(message));                                               \
        else if constexpr (name##_takes<void, T, Message>::value)                                                      \
            return object.name(std::forward<Message>(message));                                                        \
        else if constexpr (name##_takes<void, T, context&>::value)                                                     \
            return object.name(at_hand);                                                                               \
        else                                                                                                           \
            return object.name();                                                                                      \
    }
REGROW_CALLBACK(handle_call, calls)
REGROW_CALLBACK(handle_cast, casts)
REGROW_CALLBACK(handle_info, infos)
REGROW_CALLBACK(handle_continue, continues)
REGROW_CALLBACK(init, inits)
REGROW_CALLBACK(terminate, terminations)
REGROW_CALLBACK(get_state, shown_states)
REGROW_CALLBACK(replace_state, given_states)
#undef REGROW_CALLBACK

/// Calls `handle` with the message, if that can be read as a Type.
template <class Type, class Handle>
bool dispatch_as(term_view message, std::optional<regrow_next>& then, Handle& handle)
{
    if constexpr (std::is_void_v<Type> || std::is_same_v<Type, term_view>) {
        then = handle(message);
    } else {
        std::optional<Type> read = codec<Type>::decode(message);
        if (read)
            then = handle(*std::move(read));
    }
    return then.has_value();
}

/// Calls `handle` with the message as the first of the types that it can be read as. nullopt: it is none of them.
template <class... Types, class Handle>
std::optional<regrow_next> dispatch(messages<Types...>, [[maybe_unused]] term_view message, Handle&& handle)
{
    std::optional<regrow_next> then;
    (void)handle;
    (void)(... || dispatch_as<Types>(message, then, handle));
    return then;
}

/// Makes the object of a server at each of its starts.
template <class T> class maker {
public:
    virtual ~maker() = default;
    virtual std::unique_ptr<T> make(context& at_hand) const = 0;
};

/// From arguments that are kept, behind a context& if the constructor takes one.
template <class T, class... Args> class maker_of final : public maker<T> {
public:
    explicit maker_of(Args... given) : given_(std::move(given)...) {}
    std::unique_ptr<T> make([[maybe_unused]] context& at_hand) const override
    {
        return std::apply(
            [&](const Args&... each) {
                if constexpr (std::is_constructible_v<T, context&, const Args&...>)
                    return std::make_unique<T>(at_hand, each...);
                else if constexpr (std::is_constructible_v<T, const Args&...>)
                    return std::make_unique<T>(each...);
                else
                    return std::unique_ptr<T>(new T{each...});
            },
            given_);
    }

private:
    std::tuple<Args...> given_;
};

/// As next_of() for a call: nothing is answered with `ok`, a value with itself.
template <class Work> regrow_next call_next(regrow_context* raw, Work&& work)
{
    using Given = std::decay_t<decltype(work())>;
    auto reply = [&](auto&& answer) {
        return regrow_reply(raw, term(std::forward<decltype(answer)>(answer)).release());
    };
    auto ok = [&] { return regrow_reply(raw, regrow_atom("ok")); };
    if constexpr (std::is_void_v<Given>) {
        work();
        return ok();
    } else if constexpr (std::is_same_v<Given, result<void>>) {
        const result<void> given = work();
        return given ? ok() : stop_over(raw, given.error());
    } else {
        return next_of(raw, noreply, work, reply);
    }
}

/// What the library calls for a server of class T.
template <class T> struct server_edge {
    using shared_maker = std::shared_ptr<const maker<T>>;

    static T& of(void* state) noexcept { return *static_cast<T*>(state); }
    static void drop(void* state) noexcept { delete static_cast<T*>(state); }

    static regrow_next init(regrow_context* raw, void* user, const regrow_term* arg, void** state) noexcept
    {
        return at_the_edge(raw, [&] {
            context at_hand(raw);
            std::unique_ptr<T> object = owned<shared_maker>::of(user).value->make(at_hand);
            next then = ready;
            if constexpr (has_init<T>::value) {
                auto run = [&]() -> decltype(auto) { return do_init(*object, at_hand, term_view(arg)); };
                if constexpr (std::is_same_v<std::decay_t<decltype(run())>, next>)
                    then = run();
                else if (const regrow_next other = next_of(raw, ready, run); other != REGROW_READY)
                    then = next(other);
            } else {
                (void)arg;
            }
            if (then.is_up())
                *state = object.release();
            return then.raw();
        });
    }

    static regrow_next handle_call(regrow_context* raw, void* state, const regrow_term* message) noexcept
    {
        using types = typename handle_call_messages<T>::type;
        return handle<types>(raw, message, "bad_call", [&](context& at_hand, auto&& given) {
            return call_next(raw, [&]() -> decltype(auto) {
                return do_handle_call(of(state), at_hand, std::forward<decltype(given)>(given));
            });
        });
    }
    static regrow_next handle_cast(regrow_context* raw, void* state, const regrow_term* message) noexcept
    {
        using types = typename handle_cast_messages<T>::type;
        return handle<types>(raw, message, "bad_cast", [&](context& at_hand, auto&& given) {
            return next_of(raw, noreply, [&]() -> decltype(auto) {
                return do_handle_cast(of(state), at_hand, std::forward<decltype(given)>(given));
            });
        });
    }
    static regrow_next handle_info(regrow_context* raw, void* state, const regrow_term* message) noexcept
    {
        using types = typename handle_info_messages<T>::type;
        return handle<types>(raw, message, nullptr, [&](context& at_hand, auto&& given) {
            return next_of(raw, noreply, [&]() -> decltype(auto) {
                return do_handle_info(of(state), at_hand, std::forward<decltype(given)>(given));
            });
        });
    }
    static regrow_next handle_continue(regrow_context* raw, void* state, const regrow_term* message) noexcept
    {
        using types = typename handle_continue_messages<T>::type;
        return handle<types>(raw, message, "bad_continue", [&](context& at_hand, auto&& given) {
            return next_of(raw, noreply, [&]() -> decltype(auto) {
                return do_handle_continue(of(state), at_hand, std::forward<decltype(given)>(given));
            });
        });
    }
    static void terminate(regrow_context* raw, void* state, const regrow_term* reason) noexcept
    {
        // What it returns or throws changes nothing any more.
        (void)at_the_edge(raw, [&] {
            context at_hand(raw);
            (void)do_terminate(of(state), at_hand, term_view(reason));
            return regrow_next(0);
        });
    }
    static regrow_error get_state(void* state, regrow_term* shown) noexcept
    {
        return outside(REGROW_ERR_WRONG_KIND, [&] {
            context nowhere(nullptr);
            term made(do_get_state(of(state), nowhere, nowhere));
            *shown = made.release();
            return REGROW_OK;
        });
    }
    static regrow_error replace_state(void* state, const regrow_term* given) noexcept
    {
        return outside(REGROW_ERR_WRONG_KIND, [&] {
            context nowhere(nullptr);
            using types = typename replace_state_messages<T>::type;
            const auto taken = dispatch(types(), term_view(given), [&](auto&& value) {
                auto run = [&]() -> decltype(auto) {
                    return do_replace_state(of(state), nowhere, std::forward<decltype(value)>(value));
                };
                if constexpr (std::is_void_v<decltype(run())>)
                    return run(), regrow_next(1);
                else
                    return static_cast<bool>(run()) ? regrow_next(1) : regrow_next(0);
            });
            return taken.value_or(0) ? REGROW_OK : REGROW_ERR_WRONG_KIND;
        });
    }

private:
    template <class Messages, class Handle>
    static regrow_next handle(regrow_context* raw, const regrow_term* message, const char* refusal,
                              Handle&& handle) noexcept
    {
        return at_the_edge(raw, [&]() -> regrow_next {
            context at_hand(raw);
            const std::optional<regrow_next> then =
                dispatch(Messages(), term_view(message), [&](auto&& given) -> regrow_next {
                    return handle(at_hand, std::forward<decltype(given)>(given));
                });
            if (then)
                return *then;
            if (!refusal)
                return REGROW_NOREPLY;
            return regrow_stop_self(
                raw, tuple(term::own(regrow_atom(refusal)), term_view(message)).release());
        });
    }

    template <class Work> static regrow_error outside(regrow_error otherwise, Work&& work) noexcept
    {
#if REGROW_EXCEPTIONS
        try {
            return work();
        } catch (...) {
            return otherwise;
        }
#else
        (void)otherwise;
        return work();
#endif
    }
};

/// Calls a handler with the state, the context if it takes that, and the message if it takes that.
template <class F, class State, class Given>
decltype(auto) run_handler(F& f, State& state, [[maybe_unused]] context& at_hand, [[maybe_unused]] Given&& given)
{
    if constexpr (std::is_invocable_v<F&, State&, context&, Given>)
        return f(state, at_hand, std::forward<Given>(given));
    else if constexpr (std::is_invocable_v<F&, State&, Given>)
        return f(state, std::forward<Given>(given));
    else if constexpr (std::is_invocable_v<F&, State&, context&>)
        return f(state, at_hand);
    else
        return f(state);
}

/// The handlers of a server that is made of functions, of one kind of messages; the first that takes a message gets it.
template <class State> class handlers {
public:
    using handler = std::function<std::optional<regrow_next>(State&, context&, term_view)>;

    /// `finish` makes a regrow_next of the work of a handler.
    template <class F, class Finish> void add(F f, Finish finish)
    {
        all_.push_back([f = std::move(f), finish](State& state, context& at_hand, term_view message) mutable {
            using Message = typename function_message<F>::message;
            return dispatch(messages<Message>(), message, [&](auto&& given) {
                return finish(at_hand, [&]() -> decltype(auto) {
                    return run_handler(f, state, at_hand, std::forward<decltype(given)>(given));
                });
            });
        });
    }
    /// `refusal`: the tag of the reason when there is none; null: the message is dropped.
    next handle(State& state, context& at_hand, term_view message, const char* refusal) const
    {
        for (const handler& one : all_) {
            if (const std::optional<regrow_next> then = one(state, at_hand, message))
                return next(*then);
        }
        return refusal ? at_hand.stop(tuple(term::own(regrow_atom(refusal)), message)) : noreply;
    }

private:
    std::vector<handler> all_;
};

template <class State> struct function_handlers {
    std::function<State()> initial;
    handlers<State> calls, casts, infos, continues, terminates;
};

/// A server of functions, as a class. Each start has handlers of its own, so what their lambdas keep is the server's.
template <class State> class function_server {
public:
    explicit function_server(const function_handlers<State>& given) : handlers_(given), state_(handlers_.initial()) {}

    next handle_call(context& at_hand, term_view message)
    {
        return handlers_.calls.handle(state_, at_hand, message, "bad_call");
    }
    next handle_cast(context& at_hand, term_view message)
    {
        return handlers_.casts.handle(state_, at_hand, message, "bad_cast");
    }
    next handle_info(context& at_hand, term_view message)
    {
        return handlers_.infos.handle(state_, at_hand, message, nullptr);
    }
    next handle_continue(context& at_hand, term_view message)
    {
        return handlers_.continues.handle(state_, at_hand, message, "bad_continue");
    }
    void terminate(context& at_hand, term_view reason)
    {
        (void)handlers_.terminates.handle(state_, at_hand, reason, nullptr);
    }

private:
    function_handlers<State> handlers_;
    State state_;
};

} // namespace detail

// ---- children -----------------------------------------------------------------------------------------------------
//
// What a process of any kind is started from, and what its supervisor does when it ends. The functions of namespace
// regrow::tree make them; nested they are a tree:
//
//     using namespace regrow::tree;
//     runtime.start_child(supervisor("shop", regrow::one_for_all,
//         server<stock>("stock").named("stock"),
//         registry("carts"),
//         dynamic_supervisor("sessions").max_children(100),
//         server<till>("till", 24).transient().shutdown(1s)).max_restarts(5).within(10s));
//
// They are values: copied when they are used, used any number of times.

/// Who is stopped and started again with a child that ended.
enum class strategy : std::uint32_t {
    one_for_one = REGROW_ONE_FOR_ONE,
    one_for_all = REGROW_ONE_FOR_ALL,
    rest_for_one = REGROW_REST_FOR_ONE,
    /// The one child is the template of all children, started by start_instance().
    simple_one_for_one = REGROW_SIMPLE_ONE_FOR_ONE,
};
inline constexpr strategy one_for_one = strategy::one_for_one;
inline constexpr strategy one_for_all = strategy::one_for_all;
inline constexpr strategy rest_for_one = strategy::rest_for_one;
inline constexpr strategy simple_one_for_one = strategy::simple_one_for_one;

/// Whether a supervisor ends when significant children have ended by themselves.
enum class auto_shutdown : std::uint32_t {
    never = REGROW_NEVER,
    any_significant = REGROW_ANY_SIGNIFICANT,
    all_significant = REGROW_ALL_SIGNIFICANT,
};

/// What becomes of a message that a mailbox with a limit has no room for.
enum class overflow : std::uint32_t {
    reject = REGROW_REJECT,
    drop_oldest = REGROW_DROP_OLDEST,
    drop_newest = REGROW_DROP_NEWEST,
    block = REGROW_BLOCK,
};

/// Whether a key of a registry has one entry, or any number.
enum class keys : std::uint32_t { unique = REGROW_UNIQUE, duplicate = REGROW_DUPLICATE };

namespace detail {

using kept_term = std::shared_ptr<const term>;

inline kept_term keep(term given)
{
    return std::make_shared<const term>(std::move(given));
}
inline const regrow_term* pointer(const kept_term& given) noexcept
{
    return given ? given->raw() : nullptr;
}
/// Milliseconds in a field where zero means something else.
inline std::uint32_t not_zero(time_limit limit) noexcept
{
    return limit.milliseconds() ? limit.milliseconds() : 1;
}
/// A count in a field where zero means something else.
inline std::uint32_t count_or_none(std::uint32_t count) noexcept
{
    return count ? count : static_cast<std::uint32_t>(REGROW_NONE);
}

/// The C structs of one call, and what is given to the library with them: that drops it, once it has taken the call.
class arena {
public:
    arena() = default;
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;
    ~arena()
    {
        for (const auto& [user, drop] : given_)
            drop(user);
    }

    /// A struct that stays where it is.
    template <class T> T& make(T value = T{})
    {
        auto held = std::make_shared<T>(std::move(value));
        T& place = *held;
        kept_.push_back(std::move(held));
        return place;
    }
    /// A user pointer, for a field with a drop function beside it, `owned<T>::drop`.
    template <class T> void* give(T value)
    {
        given_.reserve(given_.size() + 1);
        void* user = own(std::move(value)).release();
        given_.emplace_back(user, owned<T>::drop);
        return user;
    }
    /// Just before the call: the library has them now.
    void hand_over() noexcept { given_.clear(); }

private:
    std::vector<std::shared_ptr<void>> kept_;
    std::vector<std::pair<void*, void (*)(void*)>> given_;
};

/// What all children have.
class child_fields {
public:
    void fill(arena& made, regrow_child_spec& spec) const
    {
        spec.size = sizeof spec;
        spec.id_term = pointer(id_);
        spec.restart = restart_;
        spec.shutdown_ms = shutdown_ms_;
        spec.name_term = pointer(name_);
        spec.significant = significant_;
        if (via_)
            spec.via = &made.make(via_->raw());
        if (backoff_)
            spec.backoff = &*backoff_;
    }

protected:
    kept_term id_, name_;
    std::optional<address> via_;
    std::uint32_t restart_ = 0, shutdown_ms_ = 0, significant_ = 0;
    std::optional<regrow_backoff_spec> backoff_;
};

} // namespace detail

/// When a child that failed is started again, and how often. Zero takes what regrow_backoff_spec says.
struct backoff {
    /// The first wait, and the longest.
    std::chrono::milliseconds initial{0}, longest{0};
    /// What a wait is to the one before, in percent.
    std::uint32_t factor_percent = 0;
    /// By how many percent each is longer or shorter, by chance.
    std::uint32_t jitter_percent = 0;
    /// A child that was up for so long begins anew.
    std::chrono::milliseconds reset_after{0};
    /// A limit of this child's own; nullopt: its supervisor's.
    std::optional<std::uint32_t> max_restarts{};
    std::chrono::milliseconds period{0};
    /// At the limit it stays down until restart_child(), in place of ending its supervisor.
    bool park = false;
};

/// What every child can be told.
template <class Self> class child_options : public detail::child_fields {
public:
    /// What it goes by under its supervisor.
    Self& id(term id) { return id_ = detail::keep(std::move(id)), self(); }
    /// A local name, registered before it runs, at each start.
    Self& named(term name) { return name_ = detail::keep(std::move(name)), self(); }
    /// A registry and a key that it is registered under likewise: via("users", 7).
    Self& registered(address where) { return via_ = std::move(where), self(); }
    /// Restarted whenever it ends: the default, but for tasks.
    Self& permanent() { return restart_ = REGROW_PERMANENT, self(); }
    /// Restarted unless it ends with `normal`, `shutdown` or {shutdown, _}.
    Self& transient() { return restart_ = REGROW_TRANSIENT, self(); }
    /// Never restarted.
    Self& temporary() { return restart_ = REGROW_TEMPORARY, self(); }
    /// The time it has to end when it is told to.
    Self& shutdown(time_limit limit) { return shutdown_ms_ = detail::not_zero(limit), self(); }
    /// It is killed at once.
    Self& brutal_kill() { return shutdown_ms_ = static_cast<std::uint32_t>(REGROW_BRUTAL_KILL), self(); }
    /// When it ends by itself its supervisor may end too; not for a permanent one.
    Self& significant() { return significant_ = 1, self(); }
    Self& backoff(const regrow::backoff& how)
    {
        regrow_backoff_spec spec{};
        spec.size = sizeof spec;
        spec.initial_ms = time_limit(how.initial).milliseconds();
        spec.max_ms = time_limit(how.longest).milliseconds();
        spec.factor_percent = how.factor_percent;
        spec.jitter_percent = how.jitter_percent;
        spec.reset_after_ms = time_limit(how.reset_after).milliseconds();
        if (how.max_restarts)
            spec.max_restarts = detail::count_or_none(*how.max_restarts);
        spec.period_ms = time_limit(how.period).milliseconds();
        spec.at_limit = how.park ? REGROW_PARK : REGROW_END;
        return backoff_ = spec, self();
    }

protected:
    Self& self() noexcept { return static_cast<Self&>(*this); }
};

/// A child of any kind.
class child {
public:
    template <class Kind, class = std::enable_if_t<std::is_base_of_v<detail::child_fields, Kind>>>
    child(Kind kind) : kind_(std::make_shared<const of_kind<Kind>>(std::move(kind)))
    {
    }

    /// For a C function.
    regrow_child_spec raw(detail::arena& made) const
    {
        regrow_child_spec spec{};
        kind_->fill(made, spec);
        return spec;
    }

private:
    struct any_kind {
        virtual ~any_kind() = default;
        virtual void fill(detail::arena& made, regrow_child_spec& spec) const = 0;
    };
    template <class Kind> struct of_kind final : any_kind {
        explicit of_kind(Kind given) : kind(std::move(given)) {}
        void fill(detail::arena& made, regrow_child_spec& spec) const override
        {
            kind.fill(made, spec);
            spec.kind = Kind::number;
            spec.spec = kind.spec(made);
        }
        Kind kind;
    };
    std::shared_ptr<const any_kind> kind_;
};

/// Children that a supervisor is about to start with, in its init.
class children {
public:
    explicit children(regrow_children* raw) noexcept : raw_(raw) {}
    /// One more behind those that are there.
    result<void> try_add(const child& more)
    {
        detail::arena made;
        const regrow_child_spec spec = more.raw(made);
        made.hand_over();
        return detail::checked(regrow_children_add(raw_, &spec));
    }
    REGROW_TWIN(, add)

private:
    regrow_children* raw_;
};

namespace detail {

/// Where a process runs: servers, plain processes and tasks.
template <class Self> class runs_options : public child_options<Self> {
public:
    /// On a thread of its own, for code that blocks.
    Self& on_thread() { return home_ = REGROW_THREAD, this->self(); }
    /// Without a stack of its own: what would wait is REGROW_ERR_WOULD_BLOCK.
    Self& no_park() { return flags_ |= REGROW_NO_PARK, this->self(); }
    /// How long a callback may run without waiting; then the process ends with {watchdog, Ms}.
    Self& watchdog(time_limit limit) { return watchdog_ms_ = not_zero(limit), this->self(); }

protected:
    template <class Spec> void fill_runs(Spec& spec) const noexcept
    {
        spec.home = home_;
        spec.flags = flags_;
        spec.watchdog_ms = watchdog_ms_;
    }
    std::uint32_t home_ = REGROW_SHARED, flags_ = 0, watchdog_ms_ = 0;
};

/// How much a mailbox takes: servers, plain processes and agents.
class mailbox {
public:
    template <class Spec> void fill(Spec& spec) const noexcept
    {
        spec.mailbox_limit = limit;
        spec.mailbox_policy = policy;
        spec.mailbox_wait_ms = wait_ms;
    }
    std::uint32_t limit = 0, policy = 0, wait_ms = 0;
};

template <class Self> class server_options : public runs_options<Self> {
public:
    /// While it is idle a call is answered there and then, on the caller's thread (REGROW_INLINE).
    Self& inline_calls() { return this->flags_ |= REGROW_INLINE, this->self(); }
    /// How long init may take.
    Self& init_timeout(time_limit limit) { return init_timeout_ms_ = not_zero(limit), this->self(); }
    /// What `init` gets, at each start.
    Self& argument(term argument) { return argument_ = keep(std::move(argument)), this->self(); }
    /// Takes so many messages. `wait`: with overflow::block, how long a sender waits for room.
    Self& mailbox_limit(std::uint32_t messages, overflow policy = overflow::reject,
                        time_limit wait = std::chrono::seconds(0))
    {
        mailbox_.limit = messages;
        mailbox_.policy = static_cast<std::uint32_t>(policy);
        mailbox_.wait_ms = wait.milliseconds();
        return this->self();
    }

protected:
    template <class T> const void* spec_of(arena& made, const std::shared_ptr<const maker<T>>& maker) const
    {
        using edge = server_edge<T>;
        regrow_server_spec& spec = made.make<regrow_server_spec>();
        spec.size = sizeof spec;
        spec.init = edge::init;
        spec.drop = edge::drop;
        // A callback that is not there is not called: the library has its own answers.
        if constexpr (has_handle_call<T>::value)
            spec.handle_call = edge::handle_call;
        if constexpr (has_handle_cast<T>::value)
            spec.handle_cast = edge::handle_cast;
        if constexpr (has_handle_info<T>::value)
            spec.handle_info = edge::handle_info;
        if constexpr (has_handle_continue<T>::value)
            spec.handle_continue = edge::handle_continue;
        if constexpr (has_terminate<T>::value)
            spec.terminate = edge::terminate;
        if constexpr (has_get_state<T>::value)
            spec.get_state = edge::get_state;
        if constexpr (has_replace_state<T>::value)
            spec.replace_state = edge::replace_state;
        spec.arg = pointer(argument_);
        spec.user = made.give(maker);
        spec.drop_user = owned<std::shared_ptr<const detail::maker<T>>>::drop;
        this->fill_runs(spec);
        mailbox_.fill(spec);
        spec.init_timeout_ms = init_timeout_ms_;
        return &spec;
    }

    kept_term argument_;
    detail::mailbox mailbox_;
    std::uint32_t init_timeout_ms_ = 0;
};

} // namespace detail

/// A server of class T; see tree::server.
template <class T> class server_child : public detail::server_options<server_child<T>> {
public:
    static constexpr std::uint32_t number = REGROW_SERVER;
    explicit server_child(std::shared_ptr<const detail::maker<T>> maker) : maker_(std::move(maker)) {}
    const void* spec(detail::arena& made) const { return this->template spec_of<T>(made, maker_); }

private:
    std::shared_ptr<const detail::maker<T>> maker_;
};

/// A server that goes by the name it was registered under; see tree::behaviour.
class behaviour_child : public child_options<behaviour_child> {
public:
    static constexpr std::uint32_t number = REGROW_BEHAVIOUR;
    explicit behaviour_child(std::string name) : name_(std::move(name)) {}
    /// What `init` gets, at each start, in place of what was registered with it.
    behaviour_child& argument(term argument) { return argument_ = detail::keep(std::move(argument)), *this; }
    const void* spec(detail::arena& made) const
    {
        regrow_behaviour_spec& spec = made.make<regrow_behaviour_spec>();
        spec.size = sizeof spec;
        spec.name = detail::c_text(name_).value_or(""); // which nobody is registered as
        spec.arg = detail::pointer(argument_);
        return &spec;
    }

private:
    std::string name_;
    detail::kept_term argument_;
};

/// A server of functions; see tree::server_of.
template <class State> class function_server_child : public detail::server_options<function_server_child<State>> {
public:
    static constexpr std::uint32_t number = REGROW_SERVER;
    explicit function_server_child(std::function<State()> initial) { handlers_.initial = std::move(initial); }

    /// Each takes the state by reference, a context& if it wants to, and a message. Of several the first that can read
    /// a message gets it. What they return, and do not return, is as in the callbacks of a class.
    template <class F> function_server_child& on_call(F f)
    {
        handlers_.calls.add(std::move(f),
                            [](context& at_hand, auto&& work) { return detail::call_next(at_hand.raw(), work); });
        return *this;
    }
    template <class F> function_server_child& on_cast(F f) { return add(handlers_.casts, std::move(f)); }
    template <class F> function_server_child& on_info(F f) { return add(handlers_.infos, std::move(f)); }
    template <class F> function_server_child& on_continue(F f) { return add(handlers_.continues, std::move(f)); }
    /// Gets the reason.
    template <class F> function_server_child& on_terminate(F f) { return add(handlers_.terminates, std::move(f)); }

    const void* spec(detail::arena& made) const
    {
        using server = detail::function_server<State>;
        using handlers = detail::function_handlers<State>;
        return this->template spec_of<server>(made, std::make_shared<detail::maker_of<server, handlers>>(handlers_));
    }

private:
    template <class F> function_server_child& add(detail::handlers<State>& to, F f)
    {
        to.add(std::move(f),
               [](context& at_hand, auto&& work) { return detail::next_of(at_hand.raw(), noreply, work); });
        return *this;
    }

    detail::function_handlers<State> handlers_;
};

namespace detail {

/// Whether a function may run several times: then each time begins with the function as it was given.
enum class runs { once, again };

template <runs how, class F> decltype(auto) function_to_run(F& given)
{
    if constexpr (how == runs::again)
        return F(given);
    else
        return (given);
}

/// What the library calls for a body.
template <runs how, class F> regrow_next body_edge(regrow_context* raw, void* user) noexcept
{
    return at_the_edge(raw, [&] {
        context at_hand(raw);
        auto&& body = function_to_run<how>(owned<F>::of(user).value);
        return next_of(raw, done, [&]() -> decltype(auto) { return with_context(body, at_hand); });
    });
}

template <runs how, class F> regrow_process_spec process_spec(arena& made, F body)
{
    regrow_process_spec spec{};
    spec.size = sizeof spec;
    spec.body = body_edge<how, F>;
    spec.user = made.give(std::move(body));
    spec.drop_user = owned<F>::drop;
    return spec;
}

} // namespace detail

/// A plain process; see tree::process.
template <class F> class process_child : public detail::runs_options<process_child<F>> {
public:
    static constexpr std::uint32_t number = REGROW_PROCESS;
    explicit process_child(F body) : body_(std::move(body)) {}
    process_child& mailbox_limit(std::uint32_t messages, overflow policy = overflow::reject,
                                 time_limit wait = std::chrono::seconds(0))
    {
        mailbox_.limit = messages;
        mailbox_.policy = static_cast<std::uint32_t>(policy);
        mailbox_.wait_ms = wait.milliseconds();
        return *this;
    }
    const void* spec(detail::arena& made) const { return &raw(made); }
    const regrow_process_spec& raw(detail::arena& made) const
    {
        regrow_process_spec& spec = made.make(detail::process_spec<detail::runs::again>(made, body_));
        this->fill_runs(spec);
        mailbox_.fill(spec);
        return spec;
    }

private:
    F body_;
    detail::mailbox mailbox_;
};

/// A host process; see tree::host.
template <class Deliver, class Exit> class host_child : public child_options<host_child<Deliver, Exit>> {
public:
    static constexpr std::uint32_t number = REGROW_HOST;
    host_child(Deliver deliver, Exit exit) : functions_{std::move(deliver), std::move(exit)} {}
    /// Calls may stay unanswered for long: settle() does not wait for them.
    host_child& not_busy() { return not_busy_ = true, *this; }
    /// How long `deliver` may run without waiting; then the process ends with {watchdog, Ms}, and `exit` is called when
    /// it has returned.
    host_child& watchdog(time_limit limit) { return watchdog_ms_ = detail::not_zero(limit), *this; }
    const void* spec(detail::arena& made) const
    {
        regrow_host_spec& spec = made.make<regrow_host_spec>();
        spec.size = sizeof spec;
        spec.deliver = [](void* user, regrow_pid process, const regrow_term* message, regrow_caller whom) noexcept {
            detail::owned<functions>::of(user).value.deliver(pid(process), term_view(message), caller<>(whom));
        };
        spec.exit = [](void* user, regrow_pid process, const regrow_term* reason) noexcept {
            detail::owned<functions>::of(user).value.exit(pid(process), term_view(reason));
        };
        spec.user = made.give(functions_);
        spec.drop_user = detail::owned<functions>::drop;
        spec.flags = not_busy_ ? REGROW_NOT_BUSY : 0;
        spec.watchdog_ms = watchdog_ms_;
        return &spec;
    }

private:
    struct functions {
        Deliver deliver;
        Exit exit;
    };
    functions functions_;
    bool not_busy_ = false;
    std::uint32_t watchdog_ms_ = 0;
};

namespace detail {

template <class Self> class limited_options : public child_options<Self> {
public:
    /// More restarts than this, within period(), end the supervisor: 3 unless it is said.
    Self& max_restarts(std::uint32_t count) { return max_restarts_ = count_or_none(count), this->self(); }
    /// 5 seconds unless it is said.
    Self& within(time_limit period) { return period_ms_ = not_zero(period), this->self(); }

protected:
    template <class Spec> void fill_limits(Spec& spec) const noexcept
    {
        spec.max_restarts = max_restarts_;
        spec.period_ms = period_ms_;
    }
    std::uint32_t max_restarts_ = 0, period_ms_ = 0;
};

using supervisor_init = std::function<next(context&, children&, term_view)>;

inline regrow_next supervisor_init_edge(regrow_context* raw, void* user, const regrow_term* arg,
                                        regrow_children* more) noexcept
{
    return at_the_edge(raw, [&] {
        context at_hand(raw);
        children list(more);
        return owned<supervisor_init>::of(user).value(at_hand, list, term_view(arg)).raw();
    });
}

template <class Self> class init_options : public limited_options<Self> {
public:
    /// Runs in the supervisor at each of its starts, before its children are started: takes a context&, a children&,
    /// and the argument; returns nothing or a `next`. Only a static supervisor takes children there.
    template <class F> Self& on_init(F f)
    {
        init_ = [f = std::move(f)](context& at_hand, children& more, term_view argument) mutable {
            if constexpr (std::is_void_v<decltype(f(at_hand, more, argument))>)
                return f(at_hand, more, argument), ready;
            else
                return f(at_hand, more, argument);
        };
        return this->self();
    }
    /// What on_init gets.
    Self& argument(term argument) { return argument_ = keep(std::move(argument)), this->self(); }

protected:
    template <class Spec> void fill_init(arena& made, Spec& spec) const
    {
        spec.arg = pointer(argument_);
        if (!init_)
            return;
        spec.init = supervisor_init_edge;
        spec.user = made.give(init_);
        spec.drop_user = owned<supervisor_init>::drop;
    }
    kept_term argument_;
    supervisor_init init_;
};

} // namespace detail

/// A supervisor and its children; see tree::supervisor.
class supervisor_child : public detail::init_options<supervisor_child> {
public:
    static constexpr std::uint32_t number = REGROW_SUPERVISOR;
    supervisor_child(regrow::strategy strategy, std::vector<child> children)
        : strategy_(strategy), children_(std::move(children))
    {
    }
    /// One more child, behind the others.
    supervisor_child& add(child more) { return children_.push_back(std::move(more)), *this; }
    supervisor_child& auto_shutdown(regrow::auto_shutdown when) { return auto_shutdown_ = when, *this; }
    /// Children that are started together are started at once.
    supervisor_child& parallel_start() { return flags_ = REGROW_PARALLEL_START, *this; }
    const void* spec(detail::arena& made) const
    {
        auto& array = made.make<std::vector<regrow_child_spec>>();
        for (const child& one : children_)
            array.push_back(one.raw(made));
        regrow_supervisor_spec& spec = made.make<regrow_supervisor_spec>();
        spec.size = sizeof spec;
        spec.strategy = static_cast<std::uint32_t>(strategy_);
        spec.children = array.data();
        spec.child_count = array.size();
        spec.auto_shutdown = static_cast<std::uint32_t>(auto_shutdown_);
        spec.flags = flags_;
        fill_limits(spec);
        fill_init(made, spec);
        return &spec;
    }

private:
    regrow::strategy strategy_;
    std::vector<child> children_;
    regrow::auto_shutdown auto_shutdown_ = regrow::auto_shutdown::never;
    std::uint32_t flags_ = 0;
};

/// A supervisor whose children come and go; see tree::dynamic_supervisor.
class dynamic_supervisor_child : public detail::init_options<dynamic_supervisor_child> {
public:
    static constexpr std::uint32_t number = REGROW_DYNAMIC_SUPERVISOR;
    /// One more is REGROW_ERR_LIMIT.
    dynamic_supervisor_child& max_children(std::uint32_t count)
    {
        return max_children_ = detail::count_or_none(count), *this;
    }
    /// No two children have the same id.
    dynamic_supervisor_child& unique_ids() { return flags_ = REGROW_UNIQUE_IDS, *this; }
    const void* spec(detail::arena& made) const
    {
        regrow_dynamic_supervisor_spec& spec = made.make<regrow_dynamic_supervisor_spec>();
        spec.size = sizeof spec;
        spec.max_children = max_children_;
        spec.flags = flags_;
        fill_limits(spec);
        fill_init(made, spec);
        return &spec;
    }

private:
    std::uint32_t max_children_ = 0, flags_ = 0;
};

/// The same child several times; see tree::partition_supervisor.
class partition_supervisor_child : public detail::limited_options<partition_supervisor_child> {
public:
    static constexpr std::uint32_t number = REGROW_PARTITION_SUPERVISOR;
    explicit partition_supervisor_child(child each) : each_(std::move(each)) {}
    /// How many; else one for each processor.
    partition_supervisor_child& partitions(std::uint32_t count) { return partitions_ = count, *this; }
    partition_supervisor_child& strategy(regrow::strategy strategy) { return strategy_ = strategy, *this; }
    /// Each gets its number as one more argument of its init.
    partition_supervisor_child& with_number() { return flags_ = REGROW_WITH_NUMBER, *this; }
    const void* spec(detail::arena& made) const
    {
        regrow_partition_supervisor_spec& spec = made.make<regrow_partition_supervisor_spec>();
        spec.size = sizeof spec;
        spec.child = &made.make(each_.raw(made));
        spec.partitions = partitions_;
        spec.strategy = static_cast<std::uint32_t>(strategy_);
        spec.flags = flags_;
        fill_limits(spec);
        return &spec;
    }

private:
    child each_;
    std::uint32_t partitions_ = 0, flags_ = 0;
    regrow::strategy strategy_ = one_for_one;
};

/// A supervisor of tasks; see tree::task_supervisor.
class task_supervisor_child : public detail::limited_options<task_supervisor_child> {
public:
    static constexpr std::uint32_t number = REGROW_TASK_SUPERVISOR;
    /// So many tasks run at once; one too many is REGROW_ERR_LIMIT, or waits for its turn.
    task_supervisor_child& max_children(std::uint32_t count, bool queue = false)
    {
        max_children_ = count;
        at_limit_ = queue ? REGROW_QUEUE : REGROW_REFUSE;
        return *this;
    }
    /// The time that its tasks have to end when it stops.
    task_supervisor_child& task_shutdown(time_limit limit)
    {
        return task_shutdown_ms_ = detail::not_zero(limit), *this;
    }
    const void* spec(detail::arena& made) const
    {
        regrow_task_supervisor_spec& spec = made.make<regrow_task_supervisor_spec>();
        spec.size = sizeof spec;
        spec.max_children = max_children_;
        spec.at_limit = at_limit_;
        spec.task_shutdown_ms = task_shutdown_ms_;
        fill_limits(spec);
        return &spec;
    }

private:
    std::uint32_t max_children_ = 0, at_limit_ = REGROW_REFUSE, task_shutdown_ms_ = 0;
};

/// A registry; see tree::registry.
class registry_child : public child_options<registry_child> {
public:
    static constexpr std::uint32_t number = REGROW_REGISTRY;
    explicit registry_child(regrow::keys keys) : keys_(keys) {}
    registry_child& partitions(std::uint32_t count) { return partitions_ = count, *this; }
    /// The name of a process that is told what comes and goes.
    registry_child& listener(std::string name) { return listeners_.push_back(std::move(name)), *this; }
    /// What is kept beside the entries at each start: a map.
    registry_child& meta(term map) { return meta_ = detail::keep(std::move(map)), *this; }
    const void* spec(detail::arena& made) const
    {
        auto& names = made.make<std::vector<const char*>>();
        for (const std::string& name : listeners_)
            names.push_back(name.c_str());
        regrow_registry_spec& spec = made.make<regrow_registry_spec>();
        spec.size = sizeof spec;
        spec.keys = static_cast<std::uint32_t>(keys_);
        spec.partitions = partitions_;
        spec.listeners = names.data();
        spec.listener_count = names.size();
        spec.meta = detail::pointer(meta_);
        return &spec;
    }

private:
    regrow::keys keys_;
    std::uint32_t partitions_ = 0;
    std::vector<std::string> listeners_;
    detail::kept_term meta_;
};

/// Groups and topics; see tree::pubsub.
class pubsub_child : public child_options<pubsub_child> {
public:
    static constexpr std::uint32_t number = REGROW_PUBSUB;
    const void* spec(detail::arena& made) const
    {
        regrow_pubsub_spec& spec = made.make<regrow_pubsub_spec>();
        spec.size = sizeof spec;
        return &spec;
    }
};

namespace detail {

/// A native value in a term: {Type, Resource}. No term from elsewhere has the address of a variable of this header.
template <class T> struct native {
    T value;
    /// Equal for the same T in one module, and for no other type.
    static std::int64_t type() noexcept
    {
        static const char place = 0;
        return static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(&place));
    }
    static void drop(void* pointer) noexcept { delete static_cast<native*>(pointer); }
    static term make(T value)
    {
        auto held = std::unique_ptr<native>(new native{std::move(value)});
        return tuple(type(), resource(held.release(), drop));
    }
    /// nullptr: it is none.
    static T* of(term_view given) noexcept
    {
        std::int64_t stated = 0;
        void* pointer = nullptr;
        if (!regrow_as_int(regrow_tuple_get(given.raw(), 0), &stated) || stated != type() ||
            !regrow_as_resource(regrow_tuple_get(given.raw(), 1), &pointer))
            return nullptr;
        return &static_cast<native*>(pointer)->value;
    }
};

/// The outcome of a task or of an agent's function, as the library carries it.
template <class T> term wrapped(T value)
{
    return native<T>::make(std::move(value));
}
template <class T> result<T> unwrapped(term_view given)
{
    if constexpr (std::is_void_v<T>) {
        return (void)given, result<void>();
    } else {
        T* value = native<T>::of(given);
        if (!value)
            return error(REGROW_ERR_WRONG_KIND, tuple(atom("undecodable"), given), "the value has another type");
        return std::move(*value);
    }
}

template <class T> struct value_of_result {
    using type = T;
};
template <class T> struct value_of_result<result<T>> {
    using type = T;
};
template <> struct value_of_result<next> {
    using type = void;
};
/// What a function of a task or agent is for: the T of a result<T>, nothing of a `next`, else what it returns.
template <class R> using plain = typename value_of_result<std::decay_t<R>>::type;

} // namespace detail

/// An agent with a native state; see tree::agent.
template <class State> class agent_child : public child_options<agent_child<State>> {
public:
    static constexpr std::uint32_t number = REGROW_AGENT;
    explicit agent_child(std::function<State()> initial) : initial_(std::move(initial)) {}
    /// Its functions never wait.
    agent_child& no_park() { return flags_ |= REGROW_NO_PARK, *this; }
    agent_child& inline_calls() { return flags_ |= REGROW_INLINE, *this; }
    agent_child& watchdog(time_limit limit) { return watchdog_ms_ = detail::not_zero(limit), *this; }
    agent_child& mailbox_limit(std::uint32_t messages, overflow policy = overflow::reject,
                               time_limit wait = std::chrono::seconds(0))
    {
        mailbox_.limit = messages;
        mailbox_.policy = static_cast<std::uint32_t>(policy);
        mailbox_.wait_ms = wait.milliseconds();
        return *this;
    }
    const void* spec(detail::arena& made) const
    {
        regrow_agent_spec& spec = made.make<regrow_agent_spec>();
        spec.size = sizeof spec;
        spec.init = [](regrow_context* raw, void* user, const regrow_term*, regrow_term* next, regrow_term*) noexcept {
            return detail::at_the_edge(raw, [&]() -> regrow_next {
                *next = detail::native<State>::make(detail::owned<std::function<State()>>::of(user).value()).release();
                return REGROW_DONE;
            });
        };
        spec.user = made.give(initial_);
        spec.drop_user = detail::owned<std::function<State()>>::drop;
        spec.flags = flags_;
        spec.watchdog_ms = watchdog_ms_;
        mailbox_.fill(spec);
        return &spec;
    }

private:
    std::function<State()> initial_;
    std::uint32_t flags_ = 0, watchdog_ms_ = 0;
    detail::mailbox mailbox_;
};

namespace detail {

/// What the library calls for a task: its value is what the function returns.
template <runs how, class F>
regrow_next task_edge(regrow_context* raw, void* user, const regrow_term*, regrow_term* value) noexcept
{
    return at_the_edge(raw, [&] {
        context at_hand(raw);
        auto&& run = function_to_run<how>(owned<F>::of(user).value);
        return next_of(raw, done, [&]() -> decltype(auto) { return with_context(run, at_hand); },
                       [&](auto&& made) -> regrow_next {
                           *value = wrapped<std::decay_t<decltype(made)>>(std::forward<decltype(made)>(made)).release();
                           return REGROW_DONE;
                       });
    });
}

template <class F, class = void> struct task_value {
    using type = plain<std::invoke_result_t<F&>>;
};
template <class F> struct task_value<F, std::enable_if_t<std::is_invocable_v<F&, context&>>> {
    using type = plain<std::invoke_result_t<F&, context&>>;
};

template <runs how, class F> regrow_task_spec task_spec(arena& made, F run)
{
    regrow_task_spec spec{};
    spec.size = sizeof spec;
    spec.run = task_edge<how, F>;
    spec.user = made.give(std::move(run));
    spec.drop_user = owned<F>::drop;
    return spec;
}

} // namespace detail

/// How a task runs that is no child of a tree (there tree::task says it).
struct task_options {
    /// On a thread of its own, for code that blocks.
    bool on_thread = false;
    /// Without a stack of its own: what would wait is REGROW_ERR_WOULD_BLOCK.
    bool no_park = false;
    /// How long it may run without waiting; then it ends with {watchdog, Ms}.
    std::optional<time_limit> watchdog{};
    /// Under a task supervisor, the time it has to end when that tells it to; nullopt: as that says.
    std::optional<time_limit> shutdown{};
    /// It is killed at once, in place of that.
    bool brutal_kill = false;

    /// For a C function.
    void fill(regrow_task_spec& spec) const noexcept
    {
        spec.home = on_thread ? REGROW_THREAD : REGROW_SHARED;
        spec.flags = no_park ? REGROW_NO_PARK : 0;
        if (watchdog)
            spec.watchdog_ms = detail::not_zero(*watchdog);
        if (brutal_kill)
            spec.shutdown_ms = static_cast<std::uint32_t>(REGROW_BRUTAL_KILL);
        else if (shutdown)
            spec.shutdown_ms = detail::not_zero(*shutdown);
    }
};

/// A task as a child; see tree::task.
template <class F> class task_child : public detail::runs_options<task_child<F>> {
public:
    static constexpr std::uint32_t number = REGROW_TASK;
    explicit task_child(F run) : run_(std::move(run)) {}
    const void* spec(detail::arena& made) const { return &raw(made); }
    const regrow_task_spec& raw(detail::arena& made) const
    {
        regrow_task_spec& spec = made.make(detail::task_spec<detail::runs::again>(made, run_));
        this->fill_runs(spec);
        return spec;
    }

private:
    F run_;
};

/// What children are made with. Each takes the id that the child goes by under its supervisor.
namespace tree {

/// A server of class T, whose constructor gets copies of the arguments at each start: server<counter>("counter", 5).
template <class T, class... Args> server_child<T> server(term id, Args... args)
{
    server_child<T> made(std::make_shared<const detail::maker_of<T, Args...>>(std::move(args)...));
    return made.id(std::move(id));
}

/// A server of functions. The state at each start is a copy of `initial`, or what that gives if it can be called:
///
///     server_of("counter", 0).on_call([](int& count, add by) { return count += by.number; })
template <class Initial> auto server_of(term id, Initial initial)
{
    if constexpr (std::is_invocable_v<Initial&>) {
        function_server_child<std::decay_t<std::invoke_result_t<Initial&>>> made(std::move(initial));
        return made.id(std::move(id));
    } else {
        function_server_child<Initial> made([initial = std::move(initial)] { return initial; });
        return made.id(std::move(id));
    }
}

/// A server that another part of the program, or a plug-in, has registered under this name: register_behaviour().
inline behaviour_child behaviour(term id, std::string name)
{
    return behaviour_child(std::move(name)).id(std::move(id));
}

/// A function that runs once, in a process of its own, and may receive: takes a context& or nothing; returns nothing or
/// a `next`. Each start gets a copy of it.
template <class F> process_child<F> process(term id, F body)
{
    process_child<F> made(std::move(body));
    return made.id(std::move(id));
}

/// A process that lives in another runtime of the program: `deliver(pid, term_view message, caller<>)` takes each
/// message out, and answers calls, whose caller is not zero, later; `exit(pid, term_view reason)` is told of the end.
template <class Deliver, class Exit> host_child<Deliver, Exit> host(term id, Deliver deliver, Exit exit)
{
    host_child<Deliver, Exit> made(std::move(deliver), std::move(exit));
    return made.id(std::move(id));
}

/// A supervisor, and the children it starts with, in this order.
template <class... Children>
supervisor_child supervisor(term id, regrow::strategy strategy, Children... children)
{
    supervisor_child made(strategy, std::vector<child>{child(std::move(children))...});
    return made.id(std::move(id));
}

inline dynamic_supervisor_child dynamic_supervisor(term id)
{
    return dynamic_supervisor_child().id(std::move(id));
}

/// The same child once for each partition; via(pid, key) leads to a key's.
inline partition_supervisor_child partition_supervisor(term id, child each)
{
    return partition_supervisor_child(std::move(each)).id(std::move(id));
}

inline task_supervisor_child task_supervisor(term id)
{
    return task_supervisor_child().id(std::move(id));
}

inline registry_child registry(term id, regrow::keys how = regrow::keys::unique)
{
    return registry_child(how).id(std::move(id));
}

/// An agent with a native state, a State made from copies of the arguments at each start.
template <class State, class... Args> agent_child<State> agent(term id, Args... args)
{
    std::function<State()> initial = [kept = std::make_tuple(std::move(args)...)] {
        return std::apply([](const auto&... each) { return State{each...}; }, kept);
    };
    return agent_child<State>(std::move(initial)).id(std::move(id));
}

inline pubsub_child pubsub(term id)
{
    return pubsub_child().id(std::move(id));
}

/// A task that nobody waits for, as a child: temporary unless it is said.
template <class F> task_child<F> task(term id, F run)
{
    task_child<F> made(std::move(run));
    return made.id(std::move(id));
}

} // namespace tree

// ---- starting -----------------------------------------------------------------------------------------------------

namespace detail {

/// Calls with the C struct of a child.
template <class Call> auto with_spec(const child& what, Call&& call)
{
    arena made;
    const regrow_child_spec spec = what.raw(made);
    made.hand_over();
    return call(&spec);
}

template <class Call> result<pid> started(const child& what, Call&& call)
{
    return with_spec(what, [&](const regrow_child_spec* spec) {
        return out<regrow_pid>([&](regrow_pid* to) { return call(spec, to); });
    });
}

template <class Server> result<void> behaviour_registered(const std::string& name, const Server& server)
{
    const auto text = c_text(name);
    if (!text)
        return bad_text();
    arena made;
    const auto* spec = static_cast<const regrow_server_spec*>(server.spec(made));
    made.hand_over();
    return checked(regrow_behaviour_register(*text, spec));
}

} // namespace detail

/// Gives a server a name, by which specs in any language start it (tree::behaviour): of `server` the callbacks and their
/// options count, and the constructor's arguments; not its id and how it is restarted. For good, in all runtimes of the
/// program, so that a library that registers some is not to be unloaded. REGROW_ERR_EXISTS: the name is taken.
///
///     regrow::register_behaviour("counter", regrow::tree::server<counter>("counter", 5));
template <class T> result<void> try_register_behaviour(const std::string& name, const server_child<T>& server)
{
    return detail::behaviour_registered(name, server);
}
template <class State>
result<void> try_register_behaviour(const std::string& name, const function_server_child<State>& server)
{
    return detail::behaviour_registered(name, server);
}
REGROW_TWIN(, register_behaviour)

/// A process and the caller's monitor of it.
struct monitored {
    pid process;
    ref monitor;
};

/// Starts any kind of process, without parent or link, and waits until it is up. May wait.
///
/// @param runtime  the root, or any other process, of the runtime to start it in.
inline result<pid> try_start(pid runtime, const child& what)
{
    return detail::started(what, [&](auto* spec, auto* to) { return regrow_start(runtime, spec, to); });
}
REGROW_TWIN(, start)

/// As start(), linked with the caller, which is its parent. Needs an identity.
inline result<pid> try_start_link(const child& what)
{
    return detail::started(what, [&](auto* spec, auto* to) { return regrow_start_link(spec, to); });
}
REGROW_TWIN(, start_link)

/// As start(), monitored by the caller before its first instruction. Needs an identity.
inline result<monitored> try_start_monitor(const child& what)
{
    return detail::with_spec(what, [&](const regrow_child_spec* spec) -> result<monitored> {
        regrow_pid process{};
        regrow_ref monitor{};
        if (const regrow_error code = regrow_start_monitor(spec, &process, &monitor))
            return error::last(code);
        return monitored{process, monitor};
    });
}
REGROW_TWIN(, start_monitor)

/// Runs a function in a process of its own, and does not wait; it takes a context& or nothing, and returns nothing or a
/// `next`.
template <class F> result<pid> try_spawn(pid runtime, F body)
{
    detail::arena made;
    const regrow_process_spec spec = detail::process_spec<detail::runs::once>(made, std::move(body));
    made.hand_over();
    return detail::out<regrow_pid>([&](auto* to) { return regrow_spawn(runtime, &spec, to); });
}
REGROW_TWIN(, spawn)

/// As spawn(), linked with the caller, which is its parent. Needs an identity.
template <class F> result<pid> try_spawn_link(F body)
{
    detail::arena made;
    const regrow_process_spec spec = detail::process_spec<detail::runs::once>(made, std::move(body));
    made.hand_over();
    return detail::out<regrow_pid>([&](auto* to) { return regrow_spawn_link(&spec, to); });
}
REGROW_TWIN(, spawn_link)

/// As spawn(), monitored by the caller. Needs an identity.
template <class F> result<monitored> try_spawn_monitor(F body)
{
    detail::arena made;
    const regrow_process_spec spec = detail::process_spec<detail::runs::once>(made, std::move(body));
    made.hand_over();
    regrow_pid process{};
    regrow_ref monitor{};
    if (const regrow_error code = regrow_spawn_monitor(&spec, &process, &monitor))
        return error::last(code);
    return monitored{process, monitor};
}
REGROW_TWIN(, spawn_monitor)

/// Ends a host process, as if it had ended by itself.
inline result<void> try_host_exit(pid host, term reason)
{
    return detail::checked(regrow_host_exit(host, reason.release()));
}
REGROW_TWIN(, host_exit)

// ---- supervisors --------------------------------------------------------------------------------------------------

/// A child as its supervisor shows it.
struct child_info {
    term id;
    /// None for one that does not run.
    regrow::pid process;
    /// `running`, or why it does not: `undefined`, `restarting`, `parked`.
    std::string state;
    /// What the constant of its kind is called: `server`, ...
    std::string kind;
    bool is_supervisor;
};

template <> struct codec<child_info> {
    static std::optional<child_info> decode(term_view from)
    {
        if (from.size() != 4)
            return std::nullopt;
        const std::optional<pid> process = from[1].as_pid();
        return child_info{from[0].clone(), process.value_or(pid()), process ? "running" : from[1].print(),
                          from[3].print(), from[2].is_atom("supervisor")};
    }
};

/// A supervisor of any kind: a pid with what can be asked of it.
class supervisor {
public:
    supervisor(regrow::pid pid) noexcept : pid_(pid) {}
    supervisor(regrow_pid pid) noexcept : pid_(pid) {}
    regrow::pid pid() const noexcept { return pid_; }
    operator regrow::pid() const noexcept { return pid_; }

    /// Starts one more child and waits until it is up. The pid is none when its init answered ignore. May wait.
    result<regrow::pid> try_start_child(const child& what) const
    {
        return detail::started(
            what, [&](auto* spec, auto* to) { return regrow_supervisor_start_child(pid_, spec, to); });
    }
    REGROW_TWIN(const, start_child)
    /// To be collected later. Any thread.
    result<request<std::optional<regrow::pid>>> try_start_child_async(const child& what) const
    {
        return detail::with_spec(what, [&](const regrow_child_spec* spec) {
            return detail::requested<std::optional<regrow::pid>>(
                [&](auto** to) { return regrow_supervisor_start_child_async(pid_, spec, to); });
        });
    }
    REGROW_TWIN(const, start_child_async)
    /// One more instance of the template of a simple_one_for_one, with one more argument. May wait.
    result<regrow::pid> try_start_instance(const term& extra = term()) const
    {
        return detail::out<regrow_pid>(
            [&](auto* to) { return regrow_supervisor_start_instance(pid_, extra.raw(), to); });
    }
    REGROW_TWIN(const, start_instance)
    /// Stops a child, by its id or, in a dynamic supervisor, its pid. May wait, as all that follow.
    result<void> try_terminate_child(const term& id) const
    {
        return detail::checked(regrow_supervisor_terminate_child(pid_, id.raw()));
    }
    REGROW_TWIN(const, terminate_child)
    result<regrow::pid> try_restart_child(const term& id) const
    {
        return detail::out<regrow_pid>([&](auto* to) { return regrow_supervisor_restart_child(pid_, id.raw(), to); });
    }
    REGROW_TWIN(const, restart_child)
    result<void> try_delete_child(const term& id) const
    {
        return detail::checked(regrow_supervisor_delete_child(pid_, id.raw()));
    }
    REGROW_TWIN(const, delete_child)
    /// The last started first.
    result<std::vector<child_info>> try_which_children() const
    {
        return detail::term_out<std::vector<child_info>>(
            [&](auto* to) { return regrow_supervisor_which_children(pid_, to); });
    }
    REGROW_TWIN(const, which_children)
    /// To be collected later. Any thread.
    result<request<std::vector<child_info>>> try_which_children_async() const
    {
        return detail::requested<std::vector<child_info>>(
            [&](auto** to) { return regrow_supervisor_which_children_async(pid_, to); });
    }
    REGROW_TWIN(const, which_children_async)
    result<regrow_child_count> try_count_children() const
    {
        regrow_child_count count{};
        count.size = sizeof count;
        if (const regrow_error code = regrow_supervisor_count_children(pid_, &count))
            return error::last(code);
        return count;
    }
    REGROW_TWIN(const, count_children)
    /// What a child was started with: a map.
    result<term> try_childspec(const term& id) const
    {
        return detail::term_out<term>([&](auto* to) { return regrow_supervisor_get_childspec(pid_, id.raw(), to); });
    }
    REGROW_TWIN(const, childspec)
    /// The pid that a child has now; none when it does not run.
    result<regrow::pid> try_lookup(const term& id) const
    {
        return detail::out<regrow_pid>([&](auto* to) { return regrow_supervisor_lookup(pid_, id.raw(), to); });
    }
    REGROW_TWIN(const, lookup)
    /// Has the caller told of each change: {child, Ref, Supervisor, Event}. Needs an identity.
    result<ref> try_subscribe() const
    {
        return detail::out<regrow_ref>([&](auto* to) { return regrow_supervisor_subscribe(pid_, to); });
    }
    REGROW_TWIN(const, subscribe)
    result<void> try_unsubscribe(ref subscription) const
    {
        return detail::checked(regrow_supervisor_unsubscribe(pid_, subscription));
    }
    REGROW_TWIN(const, unsubscribe)
    /// The last 100 failures of its children, oldest first: maps.
    result<term> try_history() const
    {
        return detail::term_out<term>([&](auto* to) { return regrow_supervisor_history(pid_, to); });
    }
    REGROW_TWIN(const, history)
    /// It and all below, as a term of nested maps (REGROW_TREE_TERM), as text, or as JSON.
    result<term> try_tree(std::uint32_t format = REGROW_TREE_TERM, time_limit limit = default_limit) const
    {
        return detail::term_out<term>([&](auto* to) { return regrow_tree(pid_, format, limit.milliseconds(), to); });
    }
    REGROW_TWIN(const, tree)
    /// To be collected later. Any thread.
    result<request<term>> try_tree_async(std::uint32_t format = REGROW_TREE_TERM,
                                         time_limit limit = default_limit) const
    {
        return detail::requested<term>(
            [&](auto** to) { return regrow_tree_async(pid_, format, limit.milliseconds(), to); });
    }
    REGROW_TWIN(const, tree_async)
    /// Of a partition supervisor: the process of a key's partition. Never waits.
    result<regrow::pid> try_partition(const term& key) const
    {
        return detail::out<regrow_pid>([&](auto* to) { return regrow_partition_whereis(pid_, key.raw(), to); });
    }
    REGROW_TWIN(const, partition)
    result<std::uint32_t> try_partition_count() const
    {
        return detail::out<std::uint32_t>([&](auto* to) { return regrow_partition_count(pid_, to); });
    }
    REGROW_TWIN(const, partition_count)

protected:
    regrow::pid pid_;
};

// ---- runtimes -----------------------------------------------------------------------------------------------------

/// How a runtime is made. What is left takes its default.
struct options {
    /// Threads that run processes; 0: one for each core.
    std::uint32_t workers = 0;
    /// Time moves only by advance(); for tests.
    bool manual_clock = false;
    /// Bytes of the stack that a waiting callback keeps.
    std::uint32_t stack_size = 0;
    /// Most processes at one time.
    std::uint32_t max_processes = 0;
    /// Of the root's children.
    std::optional<std::uint32_t> max_restarts{};
    std::chrono::milliseconds period{0};
    /// REGROW_LOG_DEBUG ... REGROW_LOG_SILENT; 0: warnings.
    std::uint32_t log_level = 0;
    /// Gets the log, a line at a time with its report, in place of stderr: from any thread, several at once. Must not
    /// throw.
    std::function<void(std::uint32_t level, std::string_view line, term_view report)> log{};
    /// Shown each message that ends unhandled: whom it was for, and why. As `log`, and it may not wait.
    std::function<void(pid whom, term_view message, term_view reason)> undelivered{};
};

/// What a quiet runtime waits for.
struct quiet {
    /// Without it no timer is pending. On the runtime's clock.
    std::optional<std::chrono::milliseconds> next_timer;
    /// REGROW_TIMER_USER, REGROW_TIMER_SUPERVISION or REGROW_TIMER_SLEEP.
    std::uint32_t kind;
};
template <> struct codec<quiet> {
    static std::optional<quiet> decode(term_view from)
    {
        if (from.is_atom("quiet"))
            return quiet{std::nullopt, 0};
        const std::optional<std::int64_t> deadline = from[1].as<std::int64_t>();
        if (from.size() != 3 || !from[0].is_atom("waiting") || !deadline)
            return std::nullopt;
        const std::uint32_t kind = from[2].is_atom("user")          ? REGROW_TIMER_USER
                                   : from[2].is_atom("supervision") ? REGROW_TIMER_SUPERVISION
                                                                    : REGROW_TIMER_SLEEP;
        return quiet{std::chrono::milliseconds(*deadline), kind};
    }
};

/// The same, and what time it is there.
struct settled : quiet {
    std::chrono::milliseconds now;
};

/// Waits until a runtime is quiet: nothing runs, and nothing is under way. Not in a callback.
inline result<settled> try_settle(pid runtime, time_limit limit = infinity)
{
    regrow_settled raw{};
    raw.size = sizeof raw;
    if (const regrow_error code = regrow_settle(runtime, limit.milliseconds(), &raw))
        return error::last(code);
    settled seen{{std::nullopt, raw.kind}, std::chrono::milliseconds(static_cast<std::int64_t>(raw.now_ms))};
    if (raw.state == REGROW_WAITING)
        seen.next_timer = std::chrono::milliseconds(static_cast<std::int64_t>(raw.deadline_ms));
    return seen;
}
REGROW_TWIN(, settle)

/// To be collected later. Any thread. Wait for it without a limit: that would be a timer, too.
inline result<request<quiet>> try_settle_async(pid runtime)
{
    return detail::requested<quiet>([&](auto** to) { return regrow_settle_async(runtime, to); });
}
REGROW_TWIN(, settle_async)

/// Moves a manual clock on, from deadline to deadline. Not in a callback.
inline result<void> try_advance(pid runtime, std::chrono::milliseconds by)
{
    return detail::checked(regrow_advance(runtime, by.count() > 0 ? static_cast<std::uint64_t>(by.count()) : 0));
}
REGROW_TWIN(, advance)

/// The runtime's time, since it started.
inline result<std::chrono::milliseconds> try_now(pid runtime)
{
    std::uint64_t now = 0;
    if (const regrow_error code = regrow_now(runtime, &now))
        return error::last(code);
    return std::chrono::milliseconds(static_cast<std::int64_t>(now));
}
REGROW_TWIN(, now)

inline result<regrow_stats> try_stats(pid runtime)
{
    regrow_stats stats{};
    stats.size = sizeof stats;
    if (const regrow_error code = regrow_stats_read(runtime, &stats))
        return error::last(code);
    return stats;
}
REGROW_TWIN(, stats)

/// A runtime: its root supervisor. When it goes, every process is stopped, and callbacks that are stuck are waited for;
/// shutdown() can be told how long. Not to be destroyed in a callback of its own.
class runtime : public supervisor {
public:
    /// Started; compiled without exceptions only try_start() does.
#if REGROW_EXCEPTIONS
    explicit runtime(options how = {}) : runtime(try_start(std::move(how)).value()) {}
#endif
    static result<runtime> try_start(options how = {})
    {
        auto functions = std::make_unique<options>(std::move(how));
        regrow_options raw{};
        raw.size = sizeof raw;
        raw.workers = functions->workers;
        raw.clock = functions->manual_clock ? REGROW_MANUAL : REGROW_MONOTONIC;
        raw.stack_size = functions->stack_size;
        raw.max_processes = functions->max_processes;
        if (functions->max_restarts)
            raw.max_restarts = detail::count_or_none(*functions->max_restarts);
        raw.period_ms = time_limit(functions->period).milliseconds();
        raw.log_level = functions->log_level;
        if (functions->log) {
            raw.log_user = functions.get();
            raw.log = [](void* user, std::uint32_t level, const char* text, const regrow_term* report) noexcept {
                static_cast<options*>(user)->log(level, text, term_view(report));
            };
        }
        if (functions->undelivered) {
            raw.undelivered_user = functions.get();
            raw.undelivered = [](void* user, regrow_pid whom, const regrow_term* message,
                                 const regrow_term* reason) noexcept {
                static_cast<options*>(user)->undelivered(regrow::pid(whom), term_view(message), term_view(reason));
            };
        }
        regrow_pid root{};
        if (const regrow_error code = regrow_init(&raw, &root))
            return error::last(code);
        return runtime(root, std::move(functions));
    }
    runtime(runtime&& other) noexcept
        : supervisor(std::exchange(other.pid_, regrow::pid())), functions_(std::move(other.functions_))
    {
    }
    runtime& operator=(runtime&& other) noexcept
    {
        std::swap(pid_, other.pid_);
        std::swap(functions_, other.functions_);
        return *this;
    }
    ~runtime()
    {
        if (!pid_)
            return;
        // Told to stop, then killed; after that only what is stuck is waited for.
        if (regrow_shutdown(pid_, 5000, nullptr) == REGROW_ERR_TIMEOUT)
            (void)regrow_shutdown(pid_, REGROW_INFINITY, nullptr);
    }

    /// The handle of all of it: its root supervisor.
    regrow::pid root() const noexcept { return pid_; }
    /// Stops every process, children last to first, then the threads. REGROW_ERR_TIMEOUT: everything was killed, and
    /// some callbacks are stuck; to be called again. Not in a callback.
    result<void> try_shutdown(time_limit limit = infinity) const
    {
        return detail::checked(regrow_shutdown(pid_, limit.milliseconds(), nullptr));
    }
    REGROW_TWIN(const, shutdown)

private:
    runtime(regrow::pid root, std::unique_ptr<options> functions) noexcept
        : supervisor(root), functions_(std::move(functions))
    {
    }

    std::unique_ptr<options> functions_;
};

/// Makes the thread a process of a runtime as long as this lives, on that thread: it may link, monitor and receive.
class entered {
public:
#if REGROW_EXCEPTIONS
    explicit entered(regrow::pid runtime) : entered(try_enter(runtime).value()) {}
#endif
    static result<entered> try_enter(regrow::pid runtime)
    {
        regrow_pid self{};
        if (const regrow_error code = regrow_enter(runtime, &self))
            return error::last(code);
        return entered(self, 0);
    }
    entered(entered&& other) noexcept : pid_(std::exchange(other.pid_, regrow::pid())) {}
    entered& operator=(entered&&) = delete;
    ~entered()
    {
        if (pid_)
            (void)regrow_leave();
    }
    regrow::pid pid() const noexcept { return pid_; }

private:
    entered(regrow::pid self, int) noexcept : pid_(self) {}
    regrow::pid pid_;
};

/// For an event loop that an entered thread runs: a descriptor that is readable when a message, or the answer to a
/// request of this thread, has come. Read it, then receive(0ms) until there is nothing. It stays regrow's: not to be
/// closed. Entered threads.
inline result<std::int32_t> try_thread_fd()
{
    return detail::out<std::int32_t>([](auto* to) { return regrow_thread_fd(to); });
}
REGROW_TWIN(, thread_fd)

/// Tells a runtime that work for it goes on elsewhere, as long as this lives: settle() and advance() wait for it.
class busy {
public:
#if REGROW_EXCEPTIONS
    explicit busy(pid runtime) : busy(try_take(runtime).value()) {}
#endif
    static result<busy> try_take(pid runtime)
    {
        regrow_ref token{};
        if (const regrow_error code = regrow_busy(runtime, &token))
            return error::last(code);
        return busy(runtime, token);
    }
    busy(busy&& other) noexcept : runtime_(other.runtime_), token_(std::exchange(other.token_, ref())) {}
    busy& operator=(busy&&) = delete;
    ~busy()
    {
        if (token_)
            (void)regrow_done(runtime_, token_);
    }

private:
    busy(pid runtime, ref token) noexcept : runtime_(runtime), token_(token) {}
    pid runtime_;
    ref token_;
};

// ---- registries ---------------------------------------------------------------------------------------------------

/// A registry: a pid with what can be asked of it. Keys and values are anything with a codec. Any thread.
class registry {
public:
    registry(regrow::pid pid) noexcept : pid_(pid) {}
    registry(regrow_pid pid) noexcept : pid_(pid) {}
    regrow::pid pid() const noexcept { return pid_; }

    /// Gives a process an entry, gone again before anybody can see that it has ended. REGROW_ERR_EXISTS when the key of
    /// a unique registry is taken: {already_registered, Pid}.
    result<void> try_register_process(term key, regrow::pid process, term value = term()) const
    {
        return detail::checked(regrow_registry_register(pid_, key.release(), process, value.release()));
    }
    REGROW_TWIN(const, register_process)
    result<void> try_unregister_process(const term& key, regrow::pid process) const
    {
        return detail::checked(regrow_registry_unregister(pid_, key.raw(), process));
    }
    REGROW_TWIN(const, unregister_process)
    /// Who has a key of a unique registry. REGROW_ERR_NOT_FOUND.
    result<regrow::pid> try_whereis(const term& key) const
    {
        return detail::out<regrow_pid>([&](auto* to) { return regrow_registry_whereis(pid_, key.raw(), to); });
    }
    REGROW_TWIN(const, whereis)
    /// All entries of a key, in the order in which they were registered.
    template <class Value = term> result<std::vector<std::pair<regrow::pid, Value>>> try_lookup(const term& key) const
    {
        return entries<Value>([&](auto* to) { return regrow_registry_lookup(pid_, key.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, lookup, term)
    /// The entries of a key whose value matches; see regrow_registry_unregister_match() for patterns and guards.
    template <class Value = term>
    result<std::vector<std::pair<regrow::pid, Value>>> try_match(const term& key, const term& pattern,
                                                                 const term& guards = term()) const
    {
        return entries<Value>(
            [&](auto* to) { return regrow_registry_match(pid_, key.raw(), pattern.raw(), guards.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, match, term)
    result<std::size_t> try_count_match(const term& key, const term& pattern, const term& guards = term()) const
    {
        return detail::out<std::size_t>(
            [&](auto* to) { return regrow_registry_count_match(pid_, key.raw(), pattern.raw(), guards.raw(), to); });
    }
    REGROW_TWIN(const, count_match)
    result<void> try_unregister_match(const term& key, regrow::pid process, const term& pattern,
                                      const term& guards = term()) const
    {
        return detail::checked(
            regrow_registry_unregister_match(pid_, key.raw(), process, pattern.raw(), guards.raw()));
    }
    REGROW_TWIN(const, unregister_match)
    /// What a match specification makes of the entries.
    template <class Row = term> result<std::vector<Row>> try_select(const term& spec) const
    {
        return detail::term_out<std::vector<Row>>(
            [&](auto* to) { return regrow_registry_select(pid_, spec.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, select, term)
    result<std::size_t> try_count_select(const term& spec) const
    {
        return detail::out<std::size_t>([&](auto* to) { return regrow_registry_count_select(pid_, spec.raw(), to); });
    }
    REGROW_TWIN(const, count_select)
    /// The keys that a process has.
    template <class Key = term> result<std::vector<Key>> try_keys(regrow::pid process) const
    {
        return detail::term_out<std::vector<Key>>(
            [&](auto* to) { return regrow_registry_keys(pid_, process, to); });
    }
    REGROW_TYPED_TWIN(const, keys, term)
    /// The values that a process has under a key.
    template <class Value = term> result<std::vector<Value>> try_values(const term& key, regrow::pid process) const
    {
        return detail::term_out<std::vector<Value>>(
            [&](auto* to) { return regrow_registry_values(pid_, key.raw(), process, to); });
    }
    REGROW_TYPED_TWIN(const, values, term)
    result<std::size_t> try_count() const
    {
        return detail::out<std::size_t>([&](auto* to) { return regrow_registry_count(pid_, to); });
    }
    REGROW_TWIN(const, count)
    /// Gives the caller's own entry in a unique registry another value: `update` makes the new from the old, which is
    /// given back. It runs in the caller, and must not wait. Needs an identity.
    template <class Value = term, class F> result<Value> try_update_value(const term& key, F&& update) const
    {
        struct work {
            std::remove_reference_t<F>& update;
            detail::carrier carrier;
            std::optional<regrow::error> refused;
        } mine{update, {}, {}};
        auto run = [](regrow_context*, void* user, const regrow_term* state, regrow_term* next, regrow_term*) noexcept {
            auto& all = *static_cast<work*>(user);
            bool is_done = false;
            all.carrier.run([&] {
                auto old = term_view(state).template try_to<Value>();
                if (!old) {
                    all.refused = old.error();
                    return;
                }
                *next = term(all.update(*std::move(old))).release();
                is_done = true;
            });
            return is_done ? regrow_next(REGROW_DONE) : regrow_next(0);
        };
        auto outcome = detail::term_out<Value>(
            [&](auto* to) { return regrow_registry_update(pid_, key.raw(), run, &mine, to); });
        mine.carrier.rethrow();
        if (mine.refused)
            return *mine.refused;
        return outcome;
    }
    REGROW_TYPED_TWIN(const, update_value, term)
    /// Calls each(pid, term_view value) for every entry that a key has now, in the caller, without a lock.
    template <class F> result<void> try_dispatch(const term& key, F&& each) const
    {
        return dispatched(key, each, regrow_registry_dispatch);
    }
    REGROW_TWIN(const, dispatch)
    /// The same in several processes at once; `each` must bear that. Of what it throws the first is thrown on. May
    /// wait.
    template <class F> result<void> try_dispatch_parallel(const term& key, F&& each) const
    {
        return dispatched(key, each, regrow_registry_dispatch_parallel);
    }
    REGROW_TWIN(const, dispatch_parallel)
    /// What is kept under a key beside the entries. REGROW_ERR_NOT_FOUND.
    template <class Value = term> result<Value> try_meta(const term& key) const
    {
        return detail::term_out<Value>([&](auto* to) { return regrow_registry_meta(pid_, key.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, meta, term)
    result<void> try_put_meta(term key, term value) const
    {
        return detail::checked(regrow_registry_put_meta(pid_, key.release(), value.release()));
    }
    REGROW_TWIN(const, put_meta)
    result<void> try_delete_meta(const term& key) const
    {
        return detail::checked(regrow_registry_delete_meta(pid_, key.raw()));
    }
    REGROW_TWIN(const, delete_meta)
    /// Runs a function in the caller while nobody else runs one under the same key. May wait. REGROW_ERR_TIMEOUT: it
    /// was not run.
    template <class F> result<void> try_lock(const term& key, F&& run, time_limit limit = infinity) const
    {
        struct work {
            std::remove_reference_t<F>& run;
            detail::carrier carrier;
        } mine{run, {}};
        auto work_now = [](void* user) noexcept {
            auto& all = *static_cast<work*>(user);
            all.carrier.run([&] { all.run(); });
        };
        const regrow_error code = regrow_registry_lock(pid_, key.raw(), work_now, &mine, limit.milliseconds());
        mine.carrier.rethrow();
        return detail::checked(code);
    }
    REGROW_TWIN(const, lock)

private:
    template <class Value, class Call> static result<std::vector<std::pair<regrow::pid, Value>>> entries(Call&& call)
    {
        return detail::term_out<std::vector<std::pair<regrow::pid, Value>>>(std::forward<Call>(call));
    }
    template <class F, class Dispatch> result<void> dispatched(const term& key, F& each, Dispatch dispatch) const
    {
        struct work {
            F& each;
            std::mutex lock;
            detail::carrier carrier;
        } mine{each, {}, {}};
        auto one = [](void* user, regrow_pid process, const regrow_term* value) noexcept {
            auto& all = *static_cast<work*>(user);
            detail::carrier own;
            own.run([&] { all.each(regrow::pid(process), term_view(value)); });
            // Held over nothing that waits.
            const std::lock_guard<std::mutex> held(all.lock);
            all.carrier.run([&] { own.rethrow(); });
        };
        const regrow_error code = dispatch(pid_, key.raw(), one, &mine);
        mine.carrier.rethrow();
        return detail::checked(code);
    }

    regrow::pid pid_;
};

// ---- agents -------------------------------------------------------------------------------------------------------

/// An agent with a native state, made with tree::agent<State>. Functions run in it, one after the other, while their
/// caller waits, and may be lambdas that refer to what is on its stack. One that throws ends the agent, as in Elixir:
/// REGROW_ERR_EXITED. An agent of another State is REGROW_ERR_WRONG_KIND. Any thread; may wait.
template <class State> class agent {
public:
    agent(regrow::pid pid) noexcept : pid_(pid) {}
    agent(regrow_pid pid) noexcept : pid_(pid) {}
    regrow::pid pid() const noexcept { return pid_; }

    /// What get(const State&) returns.
    template <class F> auto try_get(F&& get, time_limit limit = default_limit) const
    {
        return ask<const State>(get, limit, regrow_agent_get);
    }
    REGROW_TWIN(const, get)
    /// Has update(State&) change the state.
    template <class F> result<void> try_update(F&& update, time_limit limit = default_limit) const
    {
        auto change = [&](State& state) { update(state); };
        return ask<State>(change, limit, regrow_agent_get_and_update);
    }
    REGROW_TWIN(const, update)
    /// Has update(State&) change the state: what it returns.
    template <class F> auto try_get_and_update(F&& update, time_limit limit = default_limit) const
    {
        return ask<State>(update, limit, regrow_agent_get_and_update);
    }
    REGROW_TWIN(const, get_and_update)
    /// Has update(State&) change the state, and does not wait for that.
    template <class F> result<void> try_cast(F update) const
    {
        auto kept = detail::own(std::move(update));
        return detail::checked(regrow_agent_cast(pid_, change<F>, kept.release(), detail::owned<F>::drop));
    }
    REGROW_TWIN(const, cast)
    /// As update(), to be collected later.
    template <class F> result<request<void>> try_update_async(F update, time_limit limit = default_limit) const
    {
        auto kept = detail::own(std::move(update));
        return detail::requested<void>([&](auto** to) {
            return regrow_agent_update_async(pid_, change<F>, kept.release(), detail::owned<F>::drop,
                                             limit.milliseconds(), to);
        });
    }
    REGROW_TWIN(const, update_async)

private:
    /// Runs `f` with the state in the agent. `is_kind` stays false when it has no such state.
    template <class Seen, class F, class Ask> auto ask(F& f, time_limit limit, Ask asks) const
    {
        using Value = detail::plain<std::invoke_result_t<F&, Seen&>>;
        struct work {
            F& f;
            bool is_kind;
            std::optional<result<Value>> outcome;
        } mine{f, false, std::nullopt};
        auto run = [](regrow_context* raw, void* user, const regrow_term* state, regrow_term*, regrow_term*) noexcept {
            auto& all = *static_cast<work*>(user);
            return detail::at_the_edge(raw, [&]() -> regrow_next {
                State* native = detail::native<State>::of(term_view(state));
                all.is_kind = native != nullptr;
                if (native) {
                    if constexpr (std::is_void_v<std::invoke_result_t<F&, Seen&>>)
                        all.f(*native), all.outcome.emplace();
                    else
                        all.outcome.emplace(all.f(*native));
                }
                return REGROW_DONE;
            });
        };
        const regrow_error code = asks(pid_, run, &mine, limit.milliseconds(), nullptr);
        if (code)
            return result<Value>(error::last(code));
        if (!mine.is_kind)
            return result<Value>(wrong_kind());
        return *std::move(mine.outcome);
    }
    /// An update that nobody waits for, of an F that the library owns.
    template <class F>
    static regrow_next change(regrow_context* raw, void* user, const regrow_term* state, regrow_term*,
                              regrow_term*) noexcept
    {
        return detail::at_the_edge(raw, [&]() -> regrow_next {
            if (State* native = detail::native<State>::of(term_view(state)))
                detail::owned<F>::of(user).value(*native);
            return REGROW_DONE;
        });
    }
    static error wrong_kind()
    {
        return error(REGROW_ERR_WRONG_KIND, atom("badarg"), "the agent's state has another type");
    }

    regrow::pid pid_;
};

// ---- tasks --------------------------------------------------------------------------------------------------------

/// A task of the calling process: a function in a process of its own, whose value is waited for once. Any type will do,
/// no codec is needed. One that goes without having been waited for lets its task go: that runs on, unlinked.
template <class T> class task {
public:
    task() noexcept = default;
    explicit task(regrow_task raw) noexcept : raw_(raw) {}
    task(task&& other) noexcept : raw_(std::exchange(other.raw_, regrow_task{})) {}
    task& operator=(task&& other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~task()
    {
        if (raw_.pid.id != 0)
            (void)regrow_task_ignore(raw_, nullptr);
    }
    regrow::pid pid() const noexcept { return raw_.pid; }
    regrow_task raw() const noexcept { return raw_; }
    regrow_task release() noexcept { return std::exchange(raw_, regrow_task{}); }

    /// Waits for the value. REGROW_ERR_TIMEOUT: it runs on, and its value will be dropped. REGROW_ERR_EXITED: it ended
    /// without one. Only in the process that started it. May wait.
    result<T> try_await(time_limit limit = default_limit)
    {
        const regrow_task mine = release();
        return taken([&](auto* to) { return regrow_task_await(mine, limit.milliseconds(), to); });
    }
    REGROW_TWIN(, await)
    /// As await(), but after REGROW_ERR_TIMEOUT it can be waited for again.
    result<T> try_yield(time_limit limit = default_limit)
    {
        auto outcome = taken([&](auto* to) { return regrow_task_yield(raw_, limit.milliseconds(), to); });
        if (outcome.code() != REGROW_ERR_TIMEOUT)
            (void)release();
        return outcome;
    }
    REGROW_TWIN(, yield)
    /// Ends it: its value, if it had one. REGROW_ERR_NOT_FOUND when it ended as it was told, without one.
    result<T> try_shutdown(time_limit limit = default_limit)
    {
        const regrow_task mine = release();
        return taken([&](auto* to) { return regrow_task_shutdown(mine, limit.milliseconds(), to); });
    }
    REGROW_TWIN(, shutdown)
    /// As shutdown(), but it is killed at once.
    result<T> try_kill()
    {
        const regrow_task mine = release();
        return taken([&](auto* to) { return regrow_task_shutdown(mine, REGROW_BRUTAL_KILL, to); });
    }
    REGROW_TWIN(, kill)

private:
    template <class Call> static result<T> taken(Call&& call)
    {
        term value;
        if (const regrow_error code = call(value.place()))
            return error::last(code);
        return detail::unwrapped<T>(value);
    }

    regrow_task raw_{};
};

namespace detail {

/// Starts a task by one of the C functions.
template <class F, class Start>
result<task<typename task_value<F>::type>> begun(F run, const task_options& how, Start&& start)
{
    arena made;
    regrow_task_spec spec = task_spec<runs::once>(made, std::move(run));
    how.fill(spec);
    made.hand_over();
    regrow_task raw{};
    if (const regrow_error code = start(&spec, &raw))
        return error::last(code);
    return task<typename task_value<F>::type>(raw);
}

} // namespace detail

/// Starts a task that is linked with the caller, its owner; it takes a context& or nothing. Needs an identity.
template <class F> auto try_async(F run, const task_options& how = {})
{
    return detail::begun(std::move(run), how, [](auto* spec, auto* to) { return regrow_task_async(spec, to); });
}
REGROW_TWIN(, async)

/// Waits for the values of all. When one ends without a value, or the time for all together runs out, all are given up.
template <class T> result<std::vector<T>> try_await_many(std::vector<task<T>> tasks, time_limit limit = default_limit)
{
    std::vector<regrow_task> raw;
    for (task<T>& one : tasks)
        raw.push_back(one.release());
    term values;
    if (const regrow_error code = regrow_task_await_many(raw.data(), raw.size(), limit.milliseconds(), values.place()))
        return error::last(code);
    std::vector<T> all;
    for (term_view one : values.items()) {
        result<T> value = detail::unwrapped<T>(one);
        if (!value)
            return value.error();
        all.push_back(*std::move(value));
    }
    return all;
}
REGROW_TWIN(, await_many)

/// How a stream of tasks runs.
struct stream_options {
    /// The task supervisor that the tasks are children of; none.
    regrow::pid supervisor{};
    /// A task that crashes does not end the caller; needs a supervisor.
    bool unlinked = false;
    /// So many at once; 0: as many as the runtime has workers.
    std::uint32_t max_concurrency = 0;
    /// Of each task.
    time_limit timeout = default_limit;
    /// One that takes too long is killed, in place of ending the stream.
    bool kill_on_timeout = false;
    /// Results come as they are ready.
    bool unordered = false;
    /// How each runs.
    task_options each{};
};

/// Runs run(item) in a task for each item of a range, so many at a time, and calls each(result<R>) with what they
/// return or why they ended, until that says false; it runs in the caller, and may wait. Needs an identity; waits.
template <class Range, class F, class Each>
result<void> try_async_stream_each(const Range& items, F run, Each&& each, const stream_options& how = {})
{
    using Item = std::decay_t<decltype(*std::begin(items))>;
    using Value = detail::plain<std::invoke_result_t<F&, Item&>>;
    struct work {
        decltype(std::begin(items)) next, end;
        std::remove_reference_t<Each>& each;
        detail::carrier carrier;
    } mine{std::begin(items), std::end(items), each, {}};

    detail::arena made;
    regrow_task_spec task{};
    task.size = sizeof task;
    task.run = [](regrow_context* raw, void* user, const regrow_term* item, regrow_term* value) noexcept {
        return detail::at_the_edge(raw, [&]() -> regrow_next {
            F& function = detail::owned<F>::of(user).value;
            Item* mine = detail::native<Item>::of(term_view(item));
            if (!mine)
                return REGROW_DONE;
            return detail::next_of(
                raw, done, [&]() -> decltype(auto) { return function(*mine); },
                [&](auto&& result) -> regrow_next {
                    *value = detail::wrapped<Value>(std::forward<decltype(result)>(result)).release();
                    return REGROW_DONE;
                });
        });
    };
    task.user = made.give(std::move(run));
    task.drop_user = detail::owned<F>::drop;
    how.each.fill(task);

    regrow_stream_spec spec{};
    spec.size = sizeof spec;
    spec.task = &task;
    spec.source = [](void* user, regrow_term* item) noexcept {
        auto& all = *static_cast<work*>(user);
        bool is_there = false;
        all.carrier.run([&] {
            if (all.next == all.end)
                return;
            *item = detail::native<Item>::make(*all.next).release();
            ++all.next;
            is_there = true;
        });
        return is_there;
    };
    spec.result = [](void* user, const regrow_term* outcome) noexcept {
        auto& all = *static_cast<work*>(user);
        bool more = false;
        all.carrier.run([&] {
            const term_view seen(outcome);
            auto value = seen[0].is_atom("ok") ? detail::unwrapped<Value>(seen[1])
                                               : result<Value>(error(REGROW_ERR_EXITED, seen[1].clone(),
                                                                     "the task ended without a value"));
            if constexpr (std::is_void_v<decltype(all.each(std::move(value)))>)
                all.each(std::move(value)), more = true;
            else
                more = all.each(std::move(value));
        });
        return more;
    };
    spec.user = &mine;
    spec.supervisor = how.supervisor;
    spec.place = how.unlinked ? REGROW_UNLINKED : REGROW_LINKED;
    spec.max_concurrency = how.max_concurrency;
    spec.timeout_ms = detail::not_zero(how.timeout);
    spec.on_timeout = how.kill_on_timeout ? REGROW_KILL_TASK : REGROW_EXIT_STREAM;
    spec.order = how.unordered ? REGROW_UNORDERED : REGROW_ORDERED;
    made.hand_over();
    const regrow_error code = regrow_task_stream(&spec, nullptr);
    mine.carrier.rethrow();
    return detail::checked(code);
}
REGROW_TWIN(, async_stream_each)

/// As async_stream_each(): all that it would be called with.
template <class Range, class F> auto try_async_stream(const Range& items, F run, const stream_options& how = {})
{
    using Item = std::decay_t<decltype(*std::begin(items))>;
    using Value = detail::plain<std::invoke_result_t<F&, Item&>>;
    std::vector<result<Value>> all;
    const result<void> ended = try_async_stream_each(
        items, std::move(run), [&](result<Value> one) { all.push_back(std::move(one)); }, how);
    if (!ended)
        return result<std::vector<result<Value>>>(ended.error());
    return result<std::vector<result<Value>>>(std::move(all));
}
REGROW_TWIN(, async_stream)

/// A supervisor of tasks.
class task_supervisor : public supervisor {
public:
    using supervisor::supervisor;

    /// Starts a task that nobody waits for. `restart`: REGROW_TEMPORARY, REGROW_TRANSIENT or REGROW_PERMANENT. May
    /// wait, for the supervisor's turn, as all of these.
    template <class F>
    result<regrow::pid> try_start_child(F run, std::uint32_t restart = REGROW_TEMPORARY,
                                        const task_options& how = {}) const
    {
        detail::arena made;
        regrow_task_spec spec = detail::task_spec<detail::runs::again>(made, std::move(run));
        spec.restart = restart;
        how.fill(spec);
        made.hand_over();
        return detail::out<regrow_pid>(
            [&](auto* to) { return regrow_task_supervisor_start_child(pid_, &spec, to); });
    }
    REGROW_TWIN(const, start_child)
    /// As regrow::async(), as a child of this supervisor. Needs an identity.
    template <class F> auto try_async(F run, const task_options& how = {}) const
    {
        return detail::begun(std::move(run), how,
                             [&](auto* spec, auto* to) { return regrow_task_supervisor_async(pid_, spec, to); });
    }
    REGROW_TWIN(const, async)
    /// The same without the link: the owner outlives the task's crash.
    template <class F> auto try_async_nolink(F run, const task_options& how = {}) const
    {
        return detail::begun(std::move(run), how,
                             [&](auto* spec, auto* to) { return regrow_task_supervisor_async_nolink(pid_, spec, to); });
    }
    REGROW_TWIN(const, async_nolink)
    /// The tasks that have not ended.
    result<std::vector<regrow::pid>> try_children() const
    {
        return detail::term_out<std::vector<regrow::pid>>(
            [&](auto* to) { return regrow_task_supervisor_children(pid_, to); });
    }
    REGROW_TWIN(const, children)
    result<void> try_terminate_child(regrow::pid task) const
    {
        return detail::checked(regrow_task_supervisor_terminate_child(pid_, task));
    }
    REGROW_TWIN(const, terminate_child)
    /// Starts a task from any thread, an event loop's for one, and does not wait: the value of `run` as a future of a
    /// result. Not to be waited for in a callback.
    template <class F>
    auto try_run_async(F run, time_limit limit = default_limit, const task_options& how = {}) const
    {
        using Value = typename detail::task_value<F>::type;
        detail::arena made;
        regrow_task_spec spec = detail::task_spec<detail::runs::once>(made, std::move(run));
        how.fill(spec);
        made.hand_over();
        auto pending = detail::requested<term>([&](auto** to) {
            return regrow_task_supervisor_run_async(pid_, &spec, limit.milliseconds(), to);
        });
        if (!pending)
            return detail::settled_future<Value>(pending.error());
        std::promise<result<Value>> promise;
        auto future = promise.get_future();
        (void)(*std::move(pending)).try_then([promise = std::move(promise)](result<term> outcome) mutable {
            if (outcome)
                promise.set_value(detail::unwrapped<Value>(*outcome));
            else
                promise.set_value(outcome.error());
        });
        return future;
    }
};

// ---- groups and topics --------------------------------------------------------------------------------------------

/// How a subscription is.
struct subscription {
    /// A queue group, each of whose messages goes to one member.
    std::optional<std::string> queue{};
    /// So many messages that the process has not received yet are kept; 0: any number.
    std::uint32_t max_messages = 0;
    /// At the limit the oldest are dropped, and not the newest.
    bool drop_oldest = false;
};

/// Groups, whose members are sent the same, and topics, which are subscribed to. Any thread.
class pubsub {
public:
    pubsub(regrow::pid pid) noexcept : pid_(pid) {}
    pubsub(regrow_pid pid) noexcept : pid_(pid) {}
    regrow::pid pid() const noexcept { return pid_; }

    /// Once more, if it is a member.
    result<void> try_join(const term& group, regrow::pid process) const
    {
        return detail::checked(regrow_group_join(pid_, group.raw(), process));
    }
    REGROW_TWIN(const, join)
    result<void> try_leave(const term& group, regrow::pid process) const
    {
        return detail::checked(regrow_group_leave(pid_, group.raw(), process));
    }
    REGROW_TWIN(const, leave)
    result<std::vector<regrow::pid>> try_members(const term& group) const
    {
        return detail::term_out<std::vector<regrow::pid>>(
            [&](auto* to) { return regrow_group_members(pid_, group.raw(), to); });
    }
    REGROW_TWIN(const, members)
    template <class Group = term> result<std::vector<Group>> try_which_groups() const
    {
        return detail::term_out<std::vector<Group>>([&](auto* to) { return regrow_group_which(pid_, to); });
    }
    REGROW_TYPED_TWIN(const, which_groups, term)
    /// To every member; tells how many times it was sent.
    result<std::size_t> try_send(const term& group, term message) const
    {
        return detail::out<std::size_t>(
            [&](auto* to) { return regrow_group_send(pid_, group.raw(), message.release(), to); });
    }
    REGROW_TWIN(const, send)
    /// Has the caller told of all that changes in a group: {Ref, join | leave, Group, Pids}; and the members now. Needs
    /// an identity.
    result<std::pair<ref, std::vector<regrow::pid>>> try_monitor(const term& group) const
    {
        regrow_ref monitor{};
        auto members = detail::term_out<std::vector<regrow::pid>>(
            [&](auto* to) { return regrow_group_monitor(pid_, group.raw(), &monitor, to); });
        if (!members)
            return members.error();
        return std::pair<ref, std::vector<regrow::pid>>(monitor, *std::move(members));
    }
    REGROW_TWIN(const, monitor)
    result<void> try_demonitor(ref monitor) const { return detail::checked(regrow_group_demonitor(pid_, monitor)); }
    REGROW_TWIN(const, demonitor)

    /// A topic is text, or a pattern: `*` for one piece between dots, and `>` at the end for one or more.
    result<void> try_subscribe(const std::string& topic, regrow::pid process, const subscription& how = {}) const
    {
        return subscribed(topic, process, how, regrow_pubsub_subscribe);
    }
    REGROW_TWIN(const, subscribe)
    /// Nothing happens when the process is subscribed to that topic.
    result<void> try_subscribe_once(const std::string& topic, regrow::pid process, const subscription& how = {}) const
    {
        return subscribed(topic, process, how, regrow_pubsub_subscribe_once);
    }
    REGROW_TWIN(const, subscribe_once)
    result<void> try_unsubscribe(const std::string& topic, regrow::pid process) const
    {
        return with(topic, [&](const char* text) { return regrow_pubsub_unsubscribe(pid_, text, process); });
    }
    REGROW_TWIN(const, unsubscribe)
    result<void> try_broadcast(const std::string& topic, term message) const
    {
        return with(topic, [&](const char* text) { return regrow_pubsub_broadcast(pid_, text, message.release()); });
    }
    REGROW_TWIN(const, broadcast)
    /// But not to one process, as a rule the sender.
    result<void> try_broadcast_from(regrow::pid from, const std::string& topic, term message) const
    {
        return with(topic, [&](const char* text) {
            return regrow_pubsub_broadcast_from(pid_, from, text, message.release());
        });
    }
    REGROW_TWIN(const, broadcast_from)
    result<std::size_t> try_subscriber_count(const std::string& topic) const
    {
        std::size_t count = 0;
        const result<void> asked =
            with(topic, [&](const char* text) { return regrow_pubsub_subscriber_count(pid_, text, &count); });
        if (!asked)
            return asked.error();
        return count;
    }
    REGROW_TWIN(const, subscriber_count)

private:
    template <class Call> static result<void> with(const std::string& topic, Call&& call)
    {
        const std::optional<const char*> text = detail::c_text(topic);
        return text ? detail::checked(call(*text)) : result<void>(detail::bad_text());
    }
    template <class Call>
    result<void> subscribed(const std::string& topic, regrow::pid process, const subscription& how, Call&& call) const
    {
        regrow_subscription raw{};
        raw.size = sizeof raw;
        if (how.queue && !detail::c_text(*how.queue))
            return detail::bad_text();
        raw.queue = how.queue ? how.queue->c_str() : nullptr;
        raw.max_messages = how.max_messages;
        raw.overflow = how.drop_oldest ? REGROW_DROP_OLDEST : 0;
        return with(topic, [&](const char* text) { return call(pid_, text, process, &raw); });
    }

    regrow::pid pid_;
};

// ---- tables -------------------------------------------------------------------------------------------------------

/// How a table is made. All as it is: an unnamed, protected set, whose objects have their key in front.
struct table_options {
    std::optional<std::string> name{};
    /// REGROW_SET, REGROW_ORDERED_SET, REGROW_BAG or REGROW_DUPLICATE_BAG.
    std::uint32_t kind = REGROW_SET;
    /// REGROW_PROTECTED, REGROW_PUBLIC or REGROW_PRIVATE.
    std::uint32_t access = REGROW_PROTECTED;
    /// Which element of an object is its key, from 1.
    std::uint32_t key_position = 1;
    /// Who gets the table when its owner ends, and what it is told.
    regrow::pid heir{};
    term heir_data{};
};

/// A table: objects, which are tuples, by their keys. A plain number: the table is its owner's, a process, and goes
/// with that. Any thread.
class table {
public:
    constexpr table() noexcept = default;
    constexpr table(regrow_table raw) noexcept : raw_(raw) {}
    constexpr operator regrow_table() const noexcept { return raw_; }
    constexpr explicit operator bool() const noexcept { return raw_.id != 0; }
    friend constexpr bool operator==(table a, table b) noexcept { return a.raw_.id == b.raw_.id; }
    friend constexpr bool operator!=(table a, table b) noexcept { return a.raw_.id != b.raw_.id; }

    /// A table of the calling process. Needs an identity.
    static result<table> try_make(const table_options& how = {})
    {
        if (how.name && !detail::c_text(*how.name))
            return detail::bad_text();
        regrow_table_spec spec{};
        spec.size = sizeof spec;
        spec.name = how.name ? how.name->c_str() : nullptr;
        spec.kind = how.kind;
        spec.access = how.access;
        spec.key_position = how.key_position;
        spec.heir = how.heir;
        spec.heir_data = how.heir_data.raw();
        return detail::out<regrow_table>([&](auto* to) { return regrow_table_new(&spec, to); });
    }
    REGROW_STATIC_TWIN(make)
    /// The table with a name. REGROW_ERR_NOT_FOUND.
    static result<table> try_whereis(regrow::pid runtime, const std::string& name)
    {
        if (!detail::c_text(name))
            return detail::bad_text();
        return detail::out<regrow_table>([&](auto* to) { return regrow_table_whereis(runtime, name.c_str(), to); });
    }
    REGROW_STATIC_TWIN(whereis)
    /// Makes a table of the caller's from a file, as it was written. Needs an identity; blocks the thread.
    static result<table> try_from_file(const std::string& path)
    {
        if (!detail::c_text(path))
            return detail::bad_text();
        return detail::out<regrow_table>([&](auto* to) { return regrow_table_from_file(path.c_str(), to); });
    }
    REGROW_STATIC_TWIN(from_file)

    result<void> try_drop() const { return detail::checked(regrow_table_delete(raw_)); }
    REGROW_TWIN(const, drop)
    result<void> try_rename(const std::string& name) const
    {
        if (!detail::c_text(name))
            return detail::bad_text();
        return detail::checked(regrow_table_rename(raw_, name.c_str()));
    }
    REGROW_TWIN(const, rename)
    /// Gives a table of the caller's to another process, which gets {'ETS-TRANSFER', Table, From, Data}.
    result<void> try_give_away(regrow::pid to, term data) const
    {
        return detail::checked(regrow_table_give_away(raw_, to, data.release()));
    }
    REGROW_TWIN(const, give_away)
    result<void> try_set_heir(regrow::pid heir, term data) const
    {
        return detail::checked(regrow_table_set_heir(raw_, heir, data.release()));
    }
    REGROW_TWIN(const, set_heir)
    /// While it is fixed, next() goes on from a key that was deleted.
    result<void> try_fix(bool fix) const { return detail::checked(regrow_table_fix(raw_, fix)); }
    REGROW_TWIN(const, fix)
    /// A list of {Item, Value}, as in ets:info/1.
    result<term> try_info() const
    {
        return detail::term_out<term>([&](auto* to) { return regrow_table_info(raw_, to); });
    }
    REGROW_TWIN(const, info)
    result<std::size_t> try_size() const
    {
        return detail::out<std::size_t>([&](auto* to) { return regrow_table_size(raw_, to); });
    }
    REGROW_TWIN(const, size)

    /// A tuple, or a list of them, all at once. What had that key goes, but in bags.
    result<void> try_insert(term objects) const
    {
        return detail::checked(regrow_table_insert(raw_, objects.release()));
    }
    REGROW_TWIN(const, insert)
    /// Only when none of the keys is there: else false.
    result<bool> try_insert_new(term objects) const
    {
        return detail::out<bool>([&](auto* to) { return regrow_table_insert_new(raw_, objects.release(), to); });
    }
    REGROW_TWIN(const, insert_new)
    /// The objects of a key, in the order in which they came.
    template <class Object = term> result<std::vector<Object>> try_lookup(const term& key) const
    {
        return rows<Object>([&](auto* to) { return regrow_table_lookup(raw_, key.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, lookup, term)
    /// The object of a key, or the first of a bag's. REGROW_ERR_NOT_FOUND.
    template <class Object = term> result<Object> try_get(const term& key) const
    {
        return one<Object>([&](auto* to) { return regrow_table_get(raw_, key.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, get, term)
    /// One element, from 1, of the object of a key; in bags a list of that of each. REGROW_ERR_NOT_FOUND.
    template <class Element = term> result<Element> try_element(const term& key, std::size_t position) const
    {
        return one<Element>([&](auto* to) { return regrow_table_lookup_element(raw_, key.raw(), position, to); });
    }
    REGROW_TYPED_TWIN(const, element, term)
    result<bool> try_member(const term& key) const
    {
        return detail::out<bool>([&](auto* to) { return regrow_table_member(raw_, key.raw(), to); });
    }
    REGROW_TWIN(const, member)
    /// Takes the objects of a key out.
    template <class Object = term> result<std::vector<Object>> try_take(const term& key) const
    {
        return rows<Object>([&](auto* to) { return regrow_table_take(raw_, key.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, take, term)
    result<void> try_erase(const term& key) const { return detail::checked(regrow_table_delete_key(raw_, key.raw())); }
    REGROW_TWIN(const, erase)
    result<void> try_erase_object(const term& object) const
    {
        return detail::checked(regrow_table_delete_object(raw_, object.raw()));
    }
    REGROW_TWIN(const, erase_object)
    result<void> try_clear() const { return detail::checked(regrow_table_delete_all_objects(raw_)); }
    REGROW_TWIN(const, clear)
    /// Counts in the object of a key, at once: `operation` is an increment, {Position, Increment} or more, as
    /// regrow_table_update_counter() says. `fallback`: the object that is inserted first when there is none.
    template <class Value = std::int64_t>
    result<Value> try_update_counter(const term& key, term operation,
                                     const std::optional<term>& fallback = std::nullopt) const
    {
        const regrow_term* object = fallback ? fallback->raw() : nullptr;
        return one<Value>([&](auto* to) {
            return regrow_table_update_counter(raw_, key.raw(), operation.release(), object, to);
        });
    }
    REGROW_TYPED_TWIN(const, update_counter, std::int64_t)
    /// Sets elements of the object of a key: {Position, Value}, or a list of them. False when there is no such key.
    result<bool> try_update_element(const term& key, term elements) const
    {
        return detail::out<bool>(
            [&](auto* to) { return regrow_table_update_element(raw_, key.raw(), elements.release(), to); });
    }
    REGROW_TWIN(const, update_element)

    /// The first key, in an ordered set the least; nullopt when there is none.
    template <class Key = term> result<std::optional<Key>> try_first() const
    {
        return key<Key>([&](auto* to) { return regrow_table_first(raw_, to); });
    }
    REGROW_TYPED_TWIN(const, first, term)
    template <class Key = term> result<std::optional<Key>> try_last() const
    {
        return key<Key>([&](auto* to) { return regrow_table_last(raw_, to); });
    }
    REGROW_TYPED_TWIN(const, last, term)
    /// The key behind another; nullopt behind the last.
    template <class Key = term> result<std::optional<Key>> try_next(const term& after) const
    {
        return key<Key>([&](auto* to) { return regrow_table_next(raw_, after.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, next, term)
    template <class Key = term> result<std::optional<Key>> try_prev(const term& before) const
    {
        return key<Key>([&](auto* to) { return regrow_table_prev(raw_, before.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, prev, term)

    /// All objects; of an ordered set in its order.
    template <class Object = term> result<std::vector<Object>> try_to_vector() const
    {
        return rows<Object>([&](auto* to) { return regrow_table_to_list(raw_, to); });
    }
    REGROW_TYPED_TWIN(const, to_vector, term)
    /// For each object that a pattern matches, the list of what $1, $2, ... stand for.
    template <class Row = term> result<std::vector<Row>> try_match(const term& pattern) const
    {
        return rows<Row>([&](auto* to) { return regrow_table_match(raw_, pattern.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, match, term)
    template <class Object = term> result<std::vector<Object>> try_match_object(const term& pattern) const
    {
        return rows<Object>([&](auto* to) { return regrow_table_match_object(raw_, pattern.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, match_object, term)
    /// How many were deleted.
    result<std::size_t> try_match_delete(const term& pattern) const
    {
        return count([&](auto* to) { return regrow_table_match_delete(raw_, pattern.raw(), to); });
    }
    REGROW_TWIN(const, match_delete)
    /// What a match specification gives, as ets:select/2: a list of {Head, Guards, Body}.
    template <class Row = term> result<std::vector<Row>> try_select(const term& spec) const
    {
        return rows<Row>([&](auto* to) { return regrow_table_select(raw_, spec.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, select, term)
    template <class Row = term> result<std::vector<Row>> try_select_reverse(const term& spec) const
    {
        return rows<Row>([&](auto* to) { return regrow_table_select_reverse(raw_, spec.raw(), to); });
    }
    REGROW_TYPED_TWIN(const, select_reverse, term)
    result<std::size_t> try_select_count(const term& spec) const
    {
        return count([&](auto* to) { return regrow_table_select_count(raw_, spec.raw(), to); });
    }
    REGROW_TWIN(const, select_count)
    result<std::size_t> try_select_delete(const term& spec) const
    {
        return count([&](auto* to) { return regrow_table_select_delete(raw_, spec.raw(), to); });
    }
    REGROW_TWIN(const, select_delete)
    result<std::size_t> try_select_replace(const term& spec) const
    {
        return count([&](auto* to) { return regrow_table_select_replace(raw_, spec.raw(), to); });
    }
    REGROW_TWIN(const, select_replace)
    /// As select(), part by part: calls each(Row) for all of them, `limit` at a time, until it says false. It may
    /// insert and delete: what is there all the time comes exactly once.
    template <class Row = term, class Each>
    result<void> try_select_each(const term& spec, std::size_t limit, Each&& each) const
    {
        return parts<Row>(regrow_table_select_limit, spec, limit, each);
    }
    REGROW_TYPED_TWIN(const, select_each, term)
    /// From the last object of an ordered set to the first.
    template <class Row = term, class Each>
    result<void> try_select_reverse_each(const term& spec, std::size_t limit, Each&& each) const
    {
        return parts<Row>(regrow_table_select_reverse_limit, spec, limit, each);
    }
    REGROW_TYPED_TWIN(const, select_reverse_each, term)
    /// As match(), part by part: see select_each().
    template <class Row = term, class Each>
    result<void> try_match_each(const term& pattern, std::size_t limit, Each&& each) const
    {
        return parts<Row>(regrow_table_match_limit, pattern, limit, each);
    }
    REGROW_TYPED_TWIN(const, match_each, term)
    /// As match_object(), part by part: see select_each().
    template <class Object = term, class Each>
    result<void> try_match_object_each(const term& pattern, std::size_t limit, Each&& each) const
    {
        return parts<Object>(regrow_table_match_object_limit, pattern, limit, each);
    }
    REGROW_TYPED_TWIN(const, match_object_each, term)
    /// Writes it to a file. REGROW_ERR_FILE: that is as it was. Blocks the thread.
    result<void> try_to_file(const std::string& path) const
    {
        if (!detail::c_text(path))
            return detail::bad_text();
        return detail::checked(regrow_table_to_file(raw_, path.c_str()));
    }
    REGROW_TWIN(const, to_file)

private:
    template <class T, class Call> static result<T> one(Call&& call) { return detail::term_out<T>(call); }
    template <class T, class Call> static result<std::vector<T>> rows(Call&& call)
    {
        return detail::term_out<std::vector<T>>(call);
    }
    template <class T, class Call> static result<std::optional<T>> key(Call&& call)
    {
        const result<term> given = detail::term_out<term>(call);
        if (!given)
            return given.error();
        if (given->is_atom("$end_of_table"))
            return std::optional<T>();
        auto decoded = given->template try_to<T>();
        if (!decoded)
            return decoded.error();
        return std::optional<T>(*std::move(decoded));
    }
    template <class Call> static result<std::size_t> count(Call&& call) { return detail::out<std::size_t>(call); }
    template <class Row, class Begin, class Each>
    result<void> parts(Begin begin, const term& what, std::size_t limit, Each& each) const
    {
        term part, more, last;
        regrow_error code = begin(raw_, what.raw(), limit, part.place(), more.place());
        while (code == REGROW_OK) {
            for (term_view one : part.items()) {
                auto row = one.try_to<Row>();
                if (!row)
                    return row.error();
                if constexpr (std::is_void_v<decltype(each(*std::move(row)))>)
                    each(*std::move(row));
                else if (!each(*std::move(row)))
                    return {};
            }
            if (more.is_atom("$end_of_table"))
                return {};
            last = std::move(more);
            code = regrow_table_select_next(last.raw(), part.place(), more.place());
        }
        return error::last(code);
    }

    regrow_table raw_{0};
};

template <> struct codec<table> {
    static term encode(table value) noexcept { return term::own(regrow_from_table(value)); }
    static std::optional<table> decode(term_view from) noexcept
    {
        regrow_table raw{};
        return regrow_as_table(from.raw(), &raw) ? std::optional<table>(raw) : std::nullopt;
    }
};

} // namespace REGROW_NAMESPACE
} // namespace regrow

template <> struct std::hash<regrow::pid> {
    std::size_t operator()(regrow::pid pid) const noexcept { return std::hash<std::uint64_t>()(pid.raw().id); }
};
template <> struct std::hash<regrow::ref> {
    std::size_t operator()(regrow::ref ref) const noexcept { return std::hash<std::uint64_t>()(ref.raw().id); }
};

#undef REGROW_TWIN
#undef REGROW_STATIC_TWIN
#undef REGROW_TYPED_TWIN
#undef REGROW_NAMESPACE

#endif // REGROW_HPP
