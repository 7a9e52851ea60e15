"""REINFORCE with a value baseline: a walker on a corridor learns to go right."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(13)
    LENGTH, GOAL = 6, 5
    body = nn.Sequential(nn.Linear(LENGTH, 16), nn.Tanh())
    actor, critic = nn.Linear(16, 2), nn.Linear(16, 1)
    optimizer = torch.optim.Adam([*body.parameters(), *actor.parameters(), *critic.parameters()], lr=0.02)

    def episode():
        place, chosen, values, rewards = 2, [], [], []
        for _ in range(20):
            seen = body(nn.functional.one_hot(torch.tensor(place), LENGTH).float())
            policy = torch.distributions.Categorical(logits=actor(seen))
            action = policy.sample()
            chosen.append(policy.log_prob(action) + 0.01 * policy.entropy())
            values.append(critic(seen).squeeze(0))
            place = max(place + (1 if action.item() else -1), 0)
            rewards.append(1.0 if place == GOAL else -0.1)
            if place == GOAL:
                break
        return torch.stack(chosen), torch.stack(values), rewards

    losses = []
    for _ in range(50):
        chosen, values, rewards = episode()
        total, returns = 0.0, []
        for reward in reversed(rewards):
            total = reward + 0.9 * total
            returns.append(total)
        returns = torch.tensor(returns[::-1])
        advantage = returns - values.detach()
        loss = -(chosen * advantage).mean() + nn.functional.smooth_l1_loss(values, returns)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert len(rewards) < 8  # it walks straight
    return losses
