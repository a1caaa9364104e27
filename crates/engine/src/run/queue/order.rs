//! Which task is begun next: a ready one that no running one's locks keep out, with the longest way to the end before it.
//! Owns that decision over plain data; never runs a task, never waits.

use super::locks::{self, Lock};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A task as far as its order goes. It is known by its place in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// What must be done before; each has a smaller place.
    pub needs: Vec<usize>,
    /// What must have been begun before: the chunk of the table that comes before this one.
    pub follows: Option<usize>,
    /// The locks it takes.
    pub locks: Vec<Lock>,
    /// About how long it takes, in microseconds; of a chunk, how long all those of its table take that are left, so that
    /// tables are copied one after the other rather than all at once.
    pub cost: u64,
    /// It copies rows of this table: another table's, or an index, goes before a second one at once, for rows that
    /// arrive in the order of their key make its index cheaper.
    pub stream: Option<usize>,
    /// Nothing waits for it: it fills the gaps.
    pub filler: bool,
}

/// What a free worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It begins this task.
    Begin {
        /// The task.
        task: usize,
        /// Nothing else runs and nothing else could: all of the server is its own.
        alone: bool,
    },
    /// It waits until a running task has ended.
    Wait,
    /// Nothing is left.
    End,
}

/// Tasks and how far they are.
#[derive(Debug, Default)]
pub struct Order {
    tasks: Vec<Task>,
    /// How many needs of each task are not met.
    unmet: Vec<usize>,
    /// Who waits for each task's end.
    dependents: Vec<Vec<usize>>,
    /// Who waits for each task's begin.
    followers: BTreeMap<usize, usize>,
    /// The longest way from each task's begin to the end of all.
    path: Vec<u64>,
    /// Fillers last, the longest way first, then as the list has them.
    ready: BTreeSet<(bool, Reverse<u64>, usize)>,
    running: BTreeSet<usize>,
    left: usize,
}

impl Order {
    /// Orders tasks. A need or a task to follow that does not stand before its task is taken for met: the list is made so
    /// that there is none.
    pub fn new(tasks: Vec<Task>) -> Order {
        let mut order = Order { left: tasks.len(), path: vec![0; tasks.len()], ..Order::default() };
        order.dependents = vec![Vec::new(); tasks.len()];
        for (i, task) in tasks.iter().enumerate() {
            let before: BTreeSet<usize> = task.needs.iter().copied().filter(|n| *n < i).collect();
            for need in &before {
                if let Some(dependents) = order.dependents.get_mut(*need) {
                    dependents.push(i);
                }
            }
            let follows = task.follows.filter(|f| *f < i);
            if let Some(first) = follows {
                order.followers.insert(first, i);
            }
            order.unmet.push(before.len() + usize::from(follows.is_some()));
        }
        for (i, task) in tasks.iter().enumerate().rev() {
            let after = order.dependents.get(i).into_iter().flatten().chain(order.followers.get(&i));
            let after = after.filter(|d| tasks.get(**d).is_none_or(|d| d.stream.is_none() || d.stream != task.stream));
            let longest = after.filter_map(|d| order.path.get(*d)).max().copied().unwrap_or(0);
            if let Some(path) = order.path.get_mut(i) {
                *path = longest.saturating_add(task.cost);
            }
        }
        order.tasks = tasks;
        (0..order.tasks.len()).for_each(|i| order.make_ready(i));
        order
    }

    /// What a free worker does next. A task that is given out runs until [`Order::done`].
    pub fn begin_next(&mut self) -> Next {
        if self.left == 0 {
            return Next::End;
        }
        let Some(chosen) = self.choose(None) else { return Next::Wait };
        self.ready.remove(&self.key(chosen));
        let alone = self.running.is_empty();
        self.running.insert(chosen);
        if let Some(follower) = self.followers.remove(&chosen) {
            self.met(follower);
        }
        let alone = alone && self.choose(Some(chosen)).is_none();
        Next::Begin { task: chosen, alone }
    }

    /// A task has ended well; what it turned out to leave to be done comes at the end of the list, without needs.
    pub fn done(&mut self, task: usize, more: Vec<Task>) {
        if !self.running.remove(&task) {
            return;
        }
        self.left -= 1;
        for dependent in self.dependents.get_mut(task).map(std::mem::take).unwrap_or_default() {
            self.met(dependent);
        }
        for new in more {
            self.left += 1;
            self.path.push(new.cost);
            self.unmet.push(0);
            self.dependents.push(Vec::new());
            self.tasks.push(new);
            self.make_ready(self.tasks.len() - 1);
        }
    }

    /// Whether anything runs.
    pub fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    fn key(&self, i: usize) -> (bool, Reverse<u64>, usize) {
        let filler = self.tasks.get(i).is_some_and(|t| t.filler);
        (filler, Reverse(self.path.get(i).copied().unwrap_or(0)), i)
    }

    fn make_ready(&mut self, i: usize) {
        if self.unmet.get(i) == Some(&0) && !self.running.contains(&i) {
            self.ready.insert(self.key(i));
        }
    }

    fn met(&mut self, i: usize) {
        if let Some(unmet) = self.unmet.get_mut(i) {
            *unmet = unmet.saturating_sub(1);
        }
        self.make_ready(i);
    }

    /// The first ready task whose locks are free. Of a table whose rows another task copies right now one is taken only
    /// before the fillers. A filler does not begin on a table that a task with something behind it waits for.
    fn choose(&self, but: Option<usize>) -> Option<usize> {
        let mut second = None;
        let mut kept_out: Vec<&[Lock]> = Vec::new();
        for (filler, _, i) in &self.ready {
            let Some(task) = self.tasks.get(*i).filter(|_| but != Some(*i)) else { continue };
            if *filler && second.is_some() {
                return second;
            }
            let running = || self.running.iter().filter_map(|r| self.tasks.get(*r));
            if !running().all(|r| locks::agree(&task.locks, &r.locks)) {
                if !filler {
                    kept_out.push(&task.locks);
                }
                continue;
            }
            if *filler && kept_out.iter().any(|waiting| !locks::agree(&task.locks, waiting)) {
                continue;
            }
            if task.stream.is_some() && running().any(|r| r.stream == task.stream) {
                second = second.or(Some(*i));
                continue;
            }
            return Some(*i);
        }
        second
    }
}
