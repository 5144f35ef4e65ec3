#include "cli/output.h"

#include <boost/json/serialize.hpp>
#include <iostream>

namespace meridian::cli {

namespace json = boost::json;

std::string to_text(const json::value& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (value.is_array()) {
    std::string out;
    for (const auto& item : value.get_array()) out += (out.empty() ? "" : ",") + to_text(item);
    return "[" + out + "]";
  }
  return json::serialize(value);
}

std::string to_yaml(const json::value& value, int indent) {
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  if (value.is_object()) {
    if (value.get_object().empty()) return " {}\n";
    std::string out = "\n";
    for (const auto& [key, item] : value.get_object()) out += pad + std::string(key) + ":" + to_yaml(item, indent + 2);
    return out;
  }
  if (value.is_array()) {
    if (value.get_array().empty()) return " []\n";
    std::string out = "\n";
    for (const auto& item : value.get_array()) {
      std::string nested = to_yaml(item, indent + 2);
      // The first key of a mapping shares the dash's line.
      if (item.is_object() && !item.get_object().empty()) nested = nested.substr(1 + static_cast<std::size_t>(indent) + 2);
      else nested = nested.substr(1);
      out += pad + "- " + nested;
    }
    return out;
  }
  // Scalars are JSON scalars, which are YAML scalars.
  return " " + json::serialize(value) + "\n";
}

void print_rows(Format format, const json::value& rows, const std::vector<Column>& columns) {
  if (format == Format::json) {
    std::cout << json::serialize(rows) << "\n";
    return;
  }
  if (format == Format::yaml) {
    const auto text = to_yaml(rows);
    std::cout << (text.starts_with('\n') ? text.substr(1) : text);
    return;
  }
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& column : columns) cells[0].emplace_back(column.title);
  for (const auto& row : rows.as_array()) {
    auto& line = cells.emplace_back();
    for (const auto& column : columns) {
      const auto* field = row.as_object().if_contains(column.field);
      line.push_back(field ? to_text(*field) : "-");
    }
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : cells)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (const auto& line : cells) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - line[i].size() + 2, ' ');
    }
    std::cout << text << "\n";
  }
}

void print_object(Format format, const json::value& object) {
  if (format == Format::json) {
    std::cout << json::serialize(object) << "\n";
    return;
  }
  if (format == Format::yaml) {
    std::cout << to_yaml(object).substr(1);
    return;
  }
  std::size_t width = 0;
  for (const auto& [key, value] : object.as_object()) width = std::max(width, key.size());
  for (const auto& [key, value] : object.as_object()) std::cout << key << std::string(width - key.size() + 2, ' ') << to_text(value) << "\n";
}

void complain(const std::string& message) { std::cerr << "meridian: " << message << "\n"; }

}  // namespace meridian::cli
