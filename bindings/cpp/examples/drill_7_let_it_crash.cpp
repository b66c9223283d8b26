// Drill 7: which errors are answered, and which are a reason to crash.
//
// The kernel keeps what must not be lost, so it catches whatever a request may do: the state before it is still there.
// The worker keeps nothing that is dear, so it expects what is to be expected and crashes over the rest.
#include "drill.hpp"
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <unistd.h>

using regrow::atom;

namespace {

class error_kernel {
public:
    regrow::term handle_call(regrow::term_view request)
    {
        if (request.is_atom("stock"))
            return stock_;
        try {
            stock_ = process(request);
            return regrow::tuple(atom("ok"), stock_);
        } catch (const std::exception&) {
            return regrow::tuple(atom("error"), atom("processing_failed"));
        }
    }

private:
    // What is left. Any other request is not expected, and a crash.
    std::int64_t process(regrow::term_view request) const
    {
        const auto number = request[1].as_int();
        if (!request[0].is_atom("take") || !number || *number > stock_)
            throw std::invalid_argument("cannot do that");
        return stock_ - *number;
    }

    std::int64_t stock_ = 100; // critical data
};

class normal_worker {
public:
    regrow::term handle_call(regrow::term_view request)
    {
        return request[0].is_atom("divide") ? divide(request[1].as_int().value(), request[2].as_int().value())
                                            : read_file(request[1].as<std::string>().value());
    }

private:
    // A division by zero would be the end of the whole program, so that much is looked at; it is not handled.
    static regrow::term divide(std::int64_t a, std::int64_t b)
    {
        if (b == 0)
            throw regrow::exit_with(atom("badarith"));
        return a / b;
    }

    // Whatever else can be wrong with a file is a crash.
    static regrow::term read_file(const std::filesystem::path& path)
    {
        if (!std::filesystem::exists(path))
            return regrow::tuple(atom("error"), atom("not_found"));
        if (std::filesystem::is_directory(path))
            throw regrow::exit_with(regrow::tuple(atom("read_file"), atom("eisdir")));
        std::ifstream file(path);
        return regrow::tuple(atom("ok"), std::string(std::istreambuf_iterator<char>(file), {}));
    }
};

void ask(const drill::program& here, const char* whom, const char* what, regrow::term request)
{
    const regrow::pid before = here.whereis(whom);
    const auto reply = regrow::try_call(before, std::move(request));
    std::string said;
    if (!reply)
        said = drill::code(reply.error()) + (", " + reply.error().reason().print());
    else if (const auto text = (*reply)[1].as_bytes())
        said = "{ok,\"" + std::string(*text) + "\"}";
    else
        said = reply->print();
    here.settle();
    const char* news = here.whereis(whom) == before ? "" : "; there is a new one";
    std::printf("   %-22s %s%s\n", what, said.c_str(), news);
}

regrow::term take(int number)
{
    return drill::numbered("take", number);
}

regrow::term division(int a, int b)
{
    return regrow::tuple(atom("divide"), a, b);
}

regrow::term file_at(const std::string& path)
{
    return regrow::tuple(atom("read_file"), path);
}

} // namespace

int main()
{
    using namespace regrow::tree;
    const drill::program here;
    here.runtime.start_child(supervisor("system", regrow::one_for_one, server<error_kernel>("kernel").named("kernel"),
                                        server<normal_worker>("worker").named("worker")));

    std::printf("The error kernel answers an error, and keeps its state.\n");
    ask(here, "kernel", "take 30", take(30));
    ask(here, "kernel", "take 1000", take(1000));
    ask(here, "kernel", "what is that", atom("rubbish"));
    ask(here, "kernel", "the stock", atom("stock"));
    ask(here, "kernel", "take 70", take(70));

    std::printf("The worker crashes, and the supervisor starts another.\n");
    ask(here, "worker", "7 by 2", division(7, 2));
    ask(here, "worker", "7 by 0", division(7, 0));
    ask(here, "worker", "8 by 2", division(8, 2));

    std::printf("That a file is not there is to be expected; that it is a folder is not.\n");
    const auto path = std::filesystem::temp_directory_path() / ("drill_7_" + std::to_string(getpid()));
    std::ofstream(path) << "hello";
    ask(here, "worker", "a file", file_at(path.string()));
    std::filesystem::remove(path);
    ask(here, "worker", "the same, deleted", file_at(path.string()));
    ask(here, "worker", "a folder", file_at("/"));
    ask(here, "worker", "9 by 3", division(9, 3));
}
