//! What ends a subscription, and how its reader is told.

use flowstone_engine::io::sim::Fault;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::world::{World, data_of, stream_arn};

const HALF: &str = "85070591730234615865843651857942052864";

fn latest() -> Value {
    json!({"Type": "LATEST"})
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_taken_over_after_five_seconds_and_not_before() {
    let mut world = World::new().await;
    let mut first = world.subscribe("LATEST").await;
    world.pass_ms(4_999);
    let refused = world.subscribe_at("0", "c", latest()).await.err().unwrap();
    assert_eq!(refused.code, "ResourceInUseException");
    // Neither another consumer nor another shard is in its way.
    let _other = world.subscribe_at("0", "d", latest()).await.unwrap();
    let _other = world.subscribe_at("1", "c", latest()).await.unwrap();
    assert!(first.is_idle());
    world.pass_ms(1);
    let mut second = world.subscribe_at("0", "c", latest()).await.unwrap();
    assert_eq!(first.ended_by().await, "ResourceInUseException");
    drop(first);
    world.put(0, b"a");
    assert_eq!(data_of(&second.next().await.unwrap()), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_leaves_makes_room_at_once() {
    let world = World::new().await;
    drop(world.subscribe("LATEST").await);
    let _next = world.subscribe("LATEST").await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_closed_shard_names_its_children_and_nothing_to_go_on_with() {
    let mut world = World::new().await;
    world.put(0, b"a");
    let mut waiting = world.subscribe("LATEST").await;
    assert!(waiting.is_idle());
    let split = json!({"StreamName": "s", "ShardToSplit": "0", "NewStartingHashKey": HALF});
    world.call("SplitShard", split).await.unwrap();
    let behind = world.subscribe_at("0", "d", json!({"Type": "TRIM_HORIZON"})).await.unwrap();
    for (mut reader, expected) in [(waiting, &[][..]), (behind, &["a"][..])] {
        let began = Instant::now();
        let event = reader.next().await.unwrap();
        assert_eq!(data_of(&event), expected);
        assert_eq!(event.get("ContinuationSequenceNumber"), None);
        assert_eq!(event["MillisBehindLatest"], 0);
        let children = event["ChildShards"].as_array().unwrap();
        let names: Vec<_> = children.iter().map(|child| child["ShardId"].as_str()).collect();
        assert_eq!(names, [Some("shardId-000000000002"), Some("shardId-000000000003")]);
        assert_eq!(children[0]["ParentShards"], json!(["shardId-000000000000"]));
        assert_eq!(children[1]["HashKeyRange"]["StartingHashKey"], HALF);
        assert!(reader.next().await.is_none());
        assert_eq!(began.elapsed().as_secs(), 0, "told, not found by looking again");
    }
}

#[tokio::test(start_paused = true)]
async fn deregistration_ends_what_is_read_as_that_consumer_alone() {
    let mut world = World::new().await;
    let mut gone = world.subscribe("LATEST").await;
    let mut stays = world.subscribe_at("0", "d", latest()).await.unwrap();
    assert!(gone.is_idle());
    let deregister = json!({"StreamARN": stream_arn(), "ConsumerName": "c"});
    world.call("DeregisterStreamConsumer", deregister).await.unwrap();
    assert_eq!(gone.ended_by().await, "ResourceNotFoundException");
    world.put(0, b"a");
    assert_eq!(data_of(&stays.next().await.unwrap()), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_made_again_is_not_read_by_the_readers_of_the_old_one() {
    let mut world = World::new().await;
    let mut reader = world.subscribe("LATEST").await;
    assert!(reader.is_idle());
    let delete = json!({"StreamName": "s", "EnforceConsumerDeletion": true});
    world.call("DeleteStream", delete).await.unwrap();
    world.call("CreateStream", json!({"StreamName": "s", "ShardCount": 2})).await.unwrap();
    world.put(0, b"new");
    assert_eq!(reader.ended_by().await, "ResourceNotFoundException");
    let refused = world.subscribe_at("0", "c", latest()).await.err().unwrap();
    assert_eq!(refused.code, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_ends_subscriptions_without_a_fault() {
    let world = World::new().await;
    let mut reader = world.subscribe("LATEST").await;
    assert!(reader.is_idle());
    world.state.stop();
    assert!(reader.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_journal_ends_subscriptions_behind_what_is_durable() {
    let mut world = World::new().await;
    let mut waiting = world.subscribe("LATEST").await;
    assert!(waiting.is_idle());
    world.put(0, b"durable");
    world.disk.inject(world.disk.ops(), Fault::Eio);
    let mut lost = world.enqueue(0, b"lost");
    world.commit();
    assert!(lost.try_recv().unwrap().is_err());
    assert_eq!(data_of(&waiting.next().await.unwrap()), ["durable"]);
    // The model names no other fault for its events.
    assert_eq!(waiting.ended_by().await, "InternalFailureException");
}
