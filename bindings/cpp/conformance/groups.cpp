// Operations on groups, all of one pubsub.
#include "executor.hpp"

#include <algorithm>
#include <vector>

using namespace executor;

namespace {

regrow::pubsub the_pubsub(const arguments* arguments)
{
    static regrow::pid pubsub; // started when the first step needs it, and never by two at once
    if (!pubsub)
        pubsub = regrow::start(regrow::pid(arguments->runtime), regrow::tree::pubsub("groups"));
    return pubsub;
}

} // namespace

void op_join(const arguments* arguments, text* result)
{
    add_ok(result, the_pubsub(arguments).try_join(word(argument(arguments, 0)), regrow::self()).code());
}

void op_leave(const arguments* arguments, text* result)
{
    const auto left = the_pubsub(arguments).try_leave(word(argument(arguments, 0)), regrow::self());
    if (left.code() == REGROW_ERR_NOT_FOUND)
        add(result, "not_joined");
    else
        add_ok(result, left.code());
}

void op_members(const arguments* arguments, text* result)
{
    const auto members = the_pubsub(arguments).try_members(word(argument(arguments, 0)));
    if (!members)
        return add_failure(result, members.code());
    std::vector<std::string> labels;
    for (const regrow::pid member : *members)
        labels.push_back(label_of(member));
    std::sort(labels.begin(), labels.end());
    add(result, "members");
    for (const std::string& label : labels)
        add(result, " " + label);
}

void op_publish(const arguments* arguments, text* result)
{
    const auto count = the_pubsub(arguments).try_send(word(argument(arguments, 0)), word(argument(arguments, 1)));
    if (count)
        add(result, std::to_string(*count));
    else
        add_failure(result, count.code());
}
