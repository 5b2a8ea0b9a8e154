"""The ground floor: files, errors, progress, locks; knows no experiment."""
