//! [`TokenStore`]: tokens by hash and by id; never a token itself.
//!
//! | partition key | sort key | holds |
//! |---|---|---|
//! | `hash#<SHA-256>` | `token` | the token |
//! | `tokens` | `<id>` | the token once more, and its hash |

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use hooks::{
    access::{Token, TokenHash},
    id::TokenId,
    ports::{Page, PageRequest, PortError, PortResult, TokenStore},
};

use crate::{
    Dynamo, SORT_KEY, Table,
    fault::{Fault, Patience},
    item::{self, Item, Key, Row},
    requests::{Found, Range, Sort},
    transaction::{Condition, Transaction},
};

const WHAT: &str = "the token store";

/// The list of all tokens.
const LIST: &str = "tokens";

/// The token itself.
fn by_hash(hash: &str) -> Key {
    Key::new(format!("hash#{hash}"), "token")
}

/// The token in the list.
fn by_id(id: TokenId) -> Key {
    Key::new(LIST, id.to_string())
}

fn row(key: &Key, token: &Token) -> Result<Row, Fault> {
    Row::at(key).text("token_hash", token.hash.as_str()).json("body", token)
}

fn read(row: &Item) -> Result<Token, Fault> {
    item::json(row, "body")
}

fn id(row: &Item) -> Result<TokenId, Fault> {
    item::text(row, SORT_KEY)?.parse().map_err(|_| Fault::lacks(SORT_KEY))
}

#[async_trait]
impl TokenStore for Dynamo {
    async fn token(&self, hash: &TokenHash) -> PortResult<Option<Token>> {
        let found = self.get(WHAT, Table::Tokens, &by_hash(hash.as_str())).await?;
        found.map(|it| read(&it)).transpose().map_err(|it| it.of(WHAT))
    }

    async fn tokens(&self, page: PageRequest<TokenId>) -> PortResult<Page<Token, TokenId>> {
        let size = page.size.max(1);
        let range = Range {
            pk: LIST.to_owned(),
            sort: page.after.map_or(Sort::All, |it| Sort::After(it.to_string())),
            // One more, to see whether any follow.
            limit: Some(size + 1),
            ..Range::default()
        };
        // One request: it ends at a megabyte, as a page does.
        let Found { mut items, rest } = self.query_once(WHAT, Table::Tokens, &range, None).await?;
        let goes_on = items.len() > size || rest.is_some();
        items.truncate(size);
        let last = items.last().filter(|_| goes_on).map(id).transpose();
        let next = last.map_err(|it| it.of(WHAT))?;
        Ok(Page { items: item::readable(&items, read), next })
    }

    async fn add_token(&self, token: &Token) -> PortResult<()> {
        let mut all = Transaction::on(&self.tables.tokens);
        for key in [by_hash(token.hash.as_str()), by_id(token.id)] {
            all.put_if(row(&key, token).map_err(|it| it.of(WHAT))?, Condition::is_free());
        }
        self.transact(WHAT, all.into_writes()).await
    }

    async fn remove_token(&self, id: TokenId) -> PortResult<bool> {
        let mut patience = Patience::default();
        loop {
            let Some(listed) = self.get(WHAT, Table::Tokens, &by_id(id)).await? else {
                return Ok(false);
            };
            let hash = item::text(&listed, "token_hash").map_err(|it| it.of(WHAT))?;
            let is_still = AttributeValue::S(hash.to_owned());
            let is_still = Condition::new("token_hash = :hash", [(":hash", is_still)]);
            let mut all = Transaction::on(&self.tables.tokens);
            all.delete_if(&by_id(id), is_still);
            all.delete(&by_hash(hash));
            match self.transact(WHAT, all.into_writes()).await {
                Ok(()) => return Ok(true),
                // Somebody else removed it meanwhile, and another one may have its id.
                Err(PortError::Conflict) => {
                    let source = "others keep changing it".into();
                    patience.wait(source).await.map_err(|it| it.of(WHAT))?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
