"""The words of the glossary as frozen structs and enums; nothing here reads a clock or does I/O."""
