//! Repairs that lose nothing and can be taken back by hand. Anything else is said, not done.

use super::{Text, two};
use crate::settings::Chosen;
use anyhow::Context;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use store::{Db, DbSettings};

/// What the assistant can do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Sets the mode of a file or folder.
    Mode { path: PathBuf, mode: u32 },
    /// Gives files to the owner of the data folder.
    Owner { paths: Vec<PathBuf>, uid: u32, gid: u32 },
    /// Makes a folder that is missing.
    Folder { path: PathBuf },
    /// Brings the database up to date; an SQLite file is copied first.
    Migrate,
}

impl Repair {
    /// What it would do, to be asked about.
    pub fn what(&self) -> Text {
        match self {
            Repair::Mode { path, mode } => {
                let shown = path.display();
                two(format!("set the mode of {shown} to {mode:03o}"), format!("把 {shown} 的权限设为 {mode:03o}"))
            }
            Repair::Owner { paths, uid, gid } => two(
                format!("give {} files to the owner of the data folder ({uid}:{gid})", paths.len()),
                format!("把 {} 个文件交给数据文件夹的所有者（{uid}:{gid}）", paths.len()),
            ),
            Repair::Folder { path } => two(format!("make the folder {}", path.display()), format!("创建文件夹 {}", path.display())),
            Repair::Migrate => two(
                "bring the database up to date (an SQLite file is copied beside itself first)",
                "更新数据库结构（SQLite 文件会先在原处备份一份）",
            ),
        }
    }

    /// A running service can do it to itself. It has its database open, and brings it up to date only when it starts.
    pub fn fits_running(&self) -> bool {
        !matches!(self, Repair::Migrate)
    }

    /// # Errors
    /// The system or the database refuses.
    pub async fn apply(&self, chosen: &Chosen) -> anyhow::Result<()> {
        match self {
            Repair::Mode { path, mode } => std::fs::set_permissions(path, std::fs::Permissions::from_mode(*mode))
                .with_context(|| format!("setting the mode of {}", path.display())),
            Repair::Owner { paths, uid, gid } => {
                for path in paths {
                    std::os::unix::fs::lchown(path, Some(*uid), Some(*gid))
                        .with_context(|| format!("changing the owner of {}", path.display()))?;
                }
                Ok(())
            }
            Repair::Folder { path } => std::fs::create_dir_all(path).with_context(|| format!("making {}", path.display())),
            Repair::Migrate => migrate(chosen).await,
        }
    }
}

async fn migrate(chosen: &Chosen) -> anyhow::Result<()> {
    let url = chosen.store_url();
    if let Some(file) = url.strip_prefix("sqlite:") {
        let copy = PathBuf::from(format!("{file}.before-{}", crate::output::now_ms()));
        store::look::copy(std::path::Path::new(file), &copy).await.with_context(|| format!("copying {file} to {}", copy.display()))?;
    }
    let db =
        Db::open(&DbSettings { url, ..DbSettings::default() }, &web::migrations()).await.context("bringing the database up to date")?;
    db.close();
    Ok(())
}
