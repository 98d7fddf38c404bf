//! [`TokenStore`]: tokens by id and by hash; never a token itself.

use async_trait::async_trait;
use hooks::{
    access::{Token, TokenHash},
    id::TokenId,
    ports::{Page, PageRequest, PortResult, TokenStore},
};
use rusqlite::{Row, params};

use crate::{
    Store,
    fault::Fault,
    paging::{self, Placed},
    writer::{Survives, Terms},
};

const WHAT: &str = "the token store";

const LIST: &str = "SELECT body FROM token WHERE id > ?1 ORDER BY id LIMIT ?2";

fn terms(bytes: usize) -> Terms {
    Terms::asked(WHAT, Survives::PowerCut, bytes)
}

fn read(row: &Row<'_>) -> Result<Token, Fault> {
    Ok(serde_json::from_str(&row.get::<_, String>(0)?)?)
}

#[async_trait]
impl TokenStore for Store {
    async fn token(&self, hash: &TokenHash) -> PortResult<Option<Token>> {
        let hash = hash.clone();
        self.read(WHAT, move |connection| {
            let mut found = connection.prepare_cached("SELECT body FROM token WHERE hash = ?1")?;
            found.query_and_then([hash.as_str()], read)?.next().transpose()
        })
        .await
    }

    async fn tokens(&self, page: PageRequest<TokenId>) -> PortResult<Page<Token, TokenId>> {
        self.read(WHAT, move |connection| {
            let after = page.after.as_ref().map_or(&[][..], |id| id.as_uuid().as_bytes());
            let mut list = connection.prepare_cached(LIST)?;
            let rows = list.query(params![after, paging::limit(page.size)])?;
            paging::fill(rows, page.size, |row| {
                let token = read(row)?;
                Ok(Placed { cursor: token.id, item: Some(token), bytes: paging::bytes(row, 0)? })
            })
        })
        .await
    }

    async fn add_token(&self, token: &Token) -> PortResult<()> {
        let body = serde_json::to_string(token).map_err(|it| Fault::from(it).of(WHAT))?;
        let (id, hash) = (*token.id.as_uuid(), token.hash.clone());
        self.write(terms(body.len()), move |connection| {
            let added = connection
                .prepare_cached(
                    "INSERT INTO token (id, hash, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?
                .execute(params![id, hash.as_str(), body])?;
            if added == 0 { Err(Fault::Conflict) } else { Ok(()) }
        })
        .await
    }

    async fn remove_token(&self, id: TokenId) -> PortResult<bool> {
        self.write(terms(0), move |connection| {
            let removed = connection
                .prepare_cached("DELETE FROM token WHERE id = ?1")?
                .execute([id.as_uuid()])?;
            Ok(removed > 0)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn lists_seek() {
        plan::assert_seeks(&[LIST]);
    }
}
