//! Pages, REST and status for people and programs.
