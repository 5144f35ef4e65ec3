// Output: every command makes one JSON value; it is printed as a table, JSON or YAML. Data goes to stdout, everything else to stderr.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

namespace meridian::cli {

enum class Format { table, json, yaml };

/// Exit codes; docs/reference/cli.md.
enum ExitCode { done = 0, failed = 1, usage = 2, unreachable = 3, not_met = 4, refused = 5 };

struct Column {
  const char* title;  ///< upper case, as in "PARTITION"
  const char* field;  ///< of each row's object; "-" is printed where it is missing or null
};

/// Prints `rows`, an array of objects.
void print_rows(Format format, const boost::json::value& rows, const std::vector<Column>& columns);
/// Prints one object; as a table, one line per field.
void print_object(Format format, const boost::json::value& object);
std::string to_yaml(const boost::json::value& value, int indent = 0);
std::string to_text(const boost::json::value& value);
/// "meridian: ..." on stderr.
void complain(const std::string& message);

}  // namespace meridian::cli
